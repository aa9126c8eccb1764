// Mean and variance of groups. Floor: x read once. One pass over strips of pixels with all channels (column_sums), about each group's first element, in
// f64; a second kernel adds the channels of a group in order. Prediction: bound by memory, at the floor. Not yet measured.
#include "kernels/group_moments.h"

#include "kernels/gpu/column_sums.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// Differences from the group's first element keep their digits where the mean is large.
template <class T>
struct Deviations {
  const T* x;
  int64_t positions, channels, width;
  __device__ float shift(int64_t image, int64_t c) const { return float(x[image * positions * channels + c - c % width]); }
  __device__ SumPair operator()(int64_t image, int64_t position, int64_t c) const {
    const double d = double(float(x[(image * positions + position) * channels + c])) - double(shift(image, c));
    return {d, d * d};
  }
};
struct StorePair {
  SumPair* to;
  __device__ void operator()(int64_t line, SumPair sum) const { to[line] = sum; }
};

template <class T>
__global__ void __launch_bounds__(kThreads) moments_of_groups(Deviations<T> d, const SumPair* channels, double* moments, int64_t images) {
  const int64_t g = int64_t(blockIdx.x) * kThreads + threadIdx.x, groups = d.channels / d.width;
  if (g >= images * groups) return;
  SumPair sum{};
  for (int64_t c = 0; c < d.width; ++c) sum += channels[g * d.width + c];
  const double count = double(d.positions) * double(d.width), m = sum.a / count, v = sum.b / count - m * m;
  moments[2 * g] = double(d.shift(g / groups, g % groups * d.width)) + m;
  moments[2 * g + 1] = v > 0 ? v : 0;
}

}  // namespace

void group_moments_strips(const Context& context, const GroupMoments& a) {
  visit_f32_or_bf16(a.dtype, "group_moments", [&]<class T>() {
    const Deviations<T> d{static_cast<const T*>(a.x), a.positions, a.channels, a.channels / a.groups};
    const DeviceBlock sums(context.device, size_t(a.n * a.channels) * sizeof(SumPair), context.stream);
    SumPair* channels = static_cast<SumPair*>(sums.data());
    column_sums(context, a.n, a.positions, a.channels, d, StorePair{channels});
    launch({blocks_for(a.n * a.groups, kThreads), kThreads, 0, context.stream}, moments_of_groups<T>, d, static_cast<const SumPair*>(channels), a.moments, a.n);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
