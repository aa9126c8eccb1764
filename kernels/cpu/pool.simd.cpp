#include "kernels/cpu/pool_simd.h"

namespace kintsugi::KIN_SIMD {

void max_pool_cell(float* y, int32_t* index, const float* x, int64_t w, int64_t c, int32_t h0, int32_t h1, int32_t w0, int32_t w1) {
  int64_t k = 0;
  for (; k + kLanes <= c; k += kLanes) {
    vec best = load(x + (h0 * w + w0) * c + k);
    ivec where = ivec{} + int32_t(h0 * w + w0);
    for (int32_t h = h0; h < h1; ++h)
      for (int32_t q = w0; q < w1; ++q) {
        const vec v = load(x + (h * w + q) * c + k);
        const ivec wins = (v > best) | (v != v);  // v != v: a NaN wins
        best = wins ? v : best;
        where = wins ? ivec{} + int32_t(h * w + q) : where;
      }
    store(y + k, best);
    for (int lane = 0; lane < kLanes; ++lane) index[k + lane] = where[lane];
  }
  for (; k < c; ++k) {
    float best = x[(h0 * w + w0) * c + k];
    int32_t where = int32_t(h0 * w + w0);
    for (int32_t h = h0; h < h1; ++h)
      for (int32_t q = w0; q < w1; ++q) {
        const float v = x[(h * w + q) * c + k];
        if (v > best || v != v) {
          best = v;
          where = int32_t(h * w + q);
        }
      }
    y[k] = best;
    index[k] = where;
  }
}

}  // namespace kintsugi::KIN_SIMD
