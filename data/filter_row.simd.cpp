#include "data/filter_row.h"

namespace kintsugi::KIN_SIMD {
namespace {

/// Eight registers of sums hide the latency of the multiply-adds; each tap costs one unaligned load per register.
constexpr int kWide = 8;

template <int registers>
void block(const float* in, float* out, const int64_t* offsets, const float* weights, int64_t taps) {
  vec sums[registers] = {};
  for (int64_t t = 0; t < taps; ++t) {
    const float* p = in + offsets[t];
    const vec w = splat(weights[t]);
    for (int r = 0; r < registers; ++r) sums[r] += w * load(p + r * kLanes);
  }
  for (int r = 0; r < registers; ++r) store(out + r * kLanes, sums[r]);
}

}  // namespace

void filter_row(const float* in, float* out, int64_t n, const int64_t* offsets, const float* weights, int64_t taps) {
  int64_t i = 0;
  for (; i + kWide * kLanes <= n; i += kWide * kLanes) block<kWide>(in + i, out + i, offsets, weights, taps);
  for (; i + kLanes <= n; i += kLanes) block<1>(in + i, out + i, offsets, weights, taps);
  for (; i < n; ++i) {
    float sum = 0;
    for (int64_t t = 0; t < taps; ++t) sum += weights[t] * in[i + offsets[t]];
    out[i] = sum;
  }
}

}  // namespace kintsugi::KIN_SIMD
