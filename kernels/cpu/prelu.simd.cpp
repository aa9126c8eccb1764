#include "kernels/cpu/prelu_simd.h"

#include "kernels/base/vmath.h"

namespace kintsugi::KIN_SIMD {

void prelu_rows(const float* x, const float* slope, float* y, int64_t rows, int64_t c) {
  for (int64_t r = 0; r < rows; ++r, x += c, y += c)
    for_lanes(c, [=](int64_t i, auto lanes) {
      const vec v = lanes.load(x + i);
      lanes.store(y + i, select(v > vec{}, v, v * lanes.load(slope + i)));
    });
}

void prelu_backward_rows(const float* x, const float* slope, const float* gy, float* gx, double* sums, int64_t rows, int64_t c) {
  constexpr int64_t kBlock = 32;  // f32 additions per channel before they go to f64
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const int64_t r1 = r0 + kBlock < rows ? r0 + kBlock : rows;
    for_lanes(c, [=](int64_t i, auto lanes) {
      const vec s = lanes.load(slope + i);
      vec acc{};
      for (int64_t r = r0; r < r1; ++r) {
        const vec v = lanes.load(x + r * c + i), g = lanes.load(gy + r * c + i);
        if (gx) lanes.store(gx + r * c + i, select(v > vec{}, g, g * s));
        acc += select(v > vec{}, vec{}, g * v);
      }
      if (sums)
        for (int64_t l = 0; l < kLanes && i + l < c; ++l) sums[i + l] += double(acc[l]);
    });
  }
}

}  // namespace kintsugi::KIN_SIMD
