// What the kernels that look for moments of groups share: sums per channel about a shift, and the channels of a group added in order.
#pragma once
#include "kernels/gpu/column_sums.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// An element of column_sums over x [images, positions, channels]: moments about the first element of each group of `width` channels, which is near the
/// mean on the scale of the deviation: differences from it keep their digits where the mean is large.
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

struct GroupMoment {
  double rest, variance;  // rest: the mean less the shift
};
/// From the sums of a group's channels, each over `positions`.
__device__ __forceinline__ GroupMoment group_moment(const SumPair* channels, int64_t width, int64_t positions) {
  SumPair sum{};
  for (int64_t c = 0; c < width; ++c) sum += channels[c];
  const double count = double(positions) * double(width), rest = sum.a / count, variance = sum.b / count - rest * rest;
  return {rest, variance > 0 ? variance : 0};
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
