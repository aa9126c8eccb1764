#include "kernels/cpu/resample_simd.h"

namespace kintsugi::KIN_SIMD {
namespace {

// Sums run over groups of eight taps whose totals are then added, so that a mean over hundreds of taps (global pooling)
// loses a few units in the last place instead of hundreds.
constexpr int kGroup = 8;

inline void mix(float* out, const float* x, int64_t stride, const int32_t* index, const float* weight, int count, int64_t length) {
  int64_t k = 0;
  for (; k + kLanes <= length; k += kLanes) {
    vec sum = splat(0);
    for (int t = 0; t < count; t += kGroup) {
      const int stop = t + kGroup < count ? t + kGroup : count;
      vec part = splat(weight[t]) * load(x + index[t] * stride + k);
      for (int u = t + 1; u < stop; ++u) part += splat(weight[u]) * load(x + index[u] * stride + k);
      sum += part;
    }
    store(out + k, sum);
  }
  for (; k < length; ++k) {
    float sum = 0;
    for (int t = 0; t < count; t += kGroup) {
      const int stop = t + kGroup < count ? t + kGroup : count;
      float part = weight[t] * x[index[t] * stride + k];
      for (int u = t + 1; u < stop; ++u) part += weight[u] * x[index[u] * stride + k];
      sum += part;
    }
    out[k] = sum;
  }
}

inline void copy(float* out, const float* in, int64_t length) {
  int64_t k = 0;
  for (; k + kLanes <= length; k += kLanes) store(out + k, load(in + k));
  for (; k < length; ++k) out[k] = in[k];
}

}  // namespace

void resample_mix_rows(float* out, const float* x, int64_t row, const int32_t* index, const float* weight, int count) {
  mix(out, x, row, index, weight, count, row);
}

void resample_mix_columns(float* out, const float* in, int64_t out_w, int64_t c, const int32_t* offset, const int32_t* index,
                          const float* weight) {
  for (int64_t j = 0; j < out_w; ++j) {
    const int32_t first = offset[j], count = offset[j + 1] - first;
    if (count == 1 && weight[first] == 1.0f) copy(out + j * c, in + index[first] * c, c);
    else mix(out + j * c, in, c, index + first, weight + first, count, c);
  }
}

}  // namespace kintsugi::KIN_SIMD
