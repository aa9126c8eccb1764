// Rounding to 8 bits. Floor: read once, write once.
#include "kernels/picture_levels.h"

#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) per_element(const float* x, float* y, int64_t count) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= count) return;
  const float v = 255 * x[k];
  y[k] = 2 * (rintf(v < 0 ? 0.0f : v > 255 ? 255.0f : v) / 255) - 1;
}

}  // namespace

void picture_levels_naive(const Context& context, const PictureLevels& a) {
  launch({blocks_for(a.n, kThreads), kThreads, 0, context.stream}, per_element, static_cast<const float*>(a.x), static_cast<float*>(a.y), a.n);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
