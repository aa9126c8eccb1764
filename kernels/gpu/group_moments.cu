// Mean and variance of groups. Floor: x read once. One pass over strips of pixels with all channels (column_sums), about each group's first element, in
// f64; a second kernel adds the channels of a group in order. Prediction: bound by memory, at the floor. Not yet measured.
#include "kernels/group_moments.h"

#include "kernels/gpu/group_deviations.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads) moments_of_groups(Deviations<T> d, const SumPair* channels, double* moments, int64_t images) {
  const int64_t g = int64_t(blockIdx.x) * kThreads + threadIdx.x, groups = d.channels / d.width;
  if (g >= images * groups) return;
  const GroupMoment m = group_moment(channels + g * d.width, d.width, d.positions);
  moments[2 * g] = double(d.shift(g / groups, g % groups * d.width)) + m.rest;
  moments[2 * g + 1] = m.variance;
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
