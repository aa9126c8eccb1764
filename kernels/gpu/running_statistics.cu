// Running statistics, a few hundred channels at most: a launch is all it costs.
#include "kernels/running_statistics_math.h"

#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) move_naive(RunningStatistics a) {
  const int64_t c = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (c < a.channels) move_channel<float>(a, c);
}

}  // namespace

void running_statistics_naive(const Context& context, const RunningStatistics& a) {
  launch({blocks_for(a.channels, kThreads), kThreads, 0, context.stream}, move_naive, a);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
