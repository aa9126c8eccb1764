// What the kernels that look for moments of groups share: sums of deviations from a shift, column by column, and the columns of a group added in order.
//
// A source of deviations D has
//   columns, width                     columns of a line, of which `width` neighbours make a group; a column is a channel or some neighbouring ones
//   elements                           of x in one column of an image
//   shift(image, column)               what is taken from the elements of that column's group
//   operator()(image, line, column)    SumPair: sum of (x - shift) and of its square
#pragma once
#include "kernels/gpu/column_sums.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// x [images, positions, channels] itself: a line is a position, a column a channel. The shift is the first element of the group, which is near the
/// mean on the scale of the deviation: differences from it keep their digits where the mean is large.
template <class T>
struct Deviations {
  const T* x;
  int64_t elements, columns, width;
  __device__ float shift(int64_t image, int64_t c) const { return float(x[image * elements * columns + c - c % width]); }
  __device__ SumPair operator()(int64_t image, int64_t position, int64_t c) const {
    const double d = double(float(x[(image * elements + position) * columns + c])) - double(shift(image, c));
    return {d, d * d};
  }
};

struct StorePair {
  SumPair* to;
  __device__ void operator()(int64_t line, SumPair sum) const { to[line] = sum; }
};

struct GroupMoment {
  double mean, variance;
};

/// Moments that are known: [images * groups, 2].
struct KnownMoments {
  const double* moments;
  __device__ GroupMoment operator()(int64_t group) const { return {moments[2 * group], moments[2 * group + 1]}; }
};

/// Moments from the sums [images, columns] of a source of deviations.
template <class D>
struct MomentsOfSums {
  D of;
  const SumPair* sums;
  __device__ GroupMoment operator()(int64_t group) const {
    const int64_t groups = of.columns / of.width;
    SumPair sum{};
    for (int64_t c = 0; c < of.width; ++c) sum += sums[group * of.width + c];
    const double count = double(of.elements) * double(of.width), rest = sum.a / count, variance = sum.b / count - rest * rest;
    return {double(of.shift(group / groups, group % groups * of.width)) + rest, variance > 0 ? variance : 0};
  }
};

namespace group_deviations_detail {

inline constexpr int kThreads = 256;

template <class M>
__global__ void __launch_bounds__(kThreads) store_moments(M of, double* moments, int64_t groups) {
  const int64_t g = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (g >= groups) return;
  const GroupMoment m = of(g);
  moments[2 * g] = m.mean;
  moments[2 * g + 1] = m.variance;
}

}  // namespace group_deviations_detail

/// moments [images, groups, 2] from d, which has `lines` lines per image. `piece`: as of column_sums.
template <class D>
void moments_of_deviations(const Context& context, const D& d, int64_t images, int64_t lines, double* moments, int64_t piece = 1 << 14) {
  using namespace group_deviations_detail;
  const DeviceBlock block(context.device, size_t(images * d.columns) * sizeof(SumPair), context.stream);
  SumPair* sums = static_cast<SumPair*>(block.data());
  column_sums(context, images, lines, d.columns, d, StorePair{sums}, piece);
  const int64_t groups = images * (d.columns / d.width);
  launch({blocks_for(groups, kThreads), kThreads, 0, context.stream}, store_moments<MomentsOfSums<D>>, MomentsOfSums<D>{d, sums}, moments, groups);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
