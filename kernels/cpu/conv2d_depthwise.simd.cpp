#include "kernels/cpu/conv2d_depthwise.h"

namespace kintsugi::KIN_SIMD {
namespace {

// What lies past the last whole register of channels is done with the same code on single floats.
struct Whole {
  using type = vec;
  static constexpr int64_t width = kLanes;
  static vec get(const float* p) { return load(p); }
  static void put(float* p, vec v) { store(p, v); }
};
struct Single {
  using type = float;
  static constexpr int64_t width = 1;
  static float get(const float* p) { return *p; }
  static void put(float* p, float v) { *p = v; }
};

template <class V>
void fwd(const DepthwiseRow& row, const float* w, const float* bias, float* y, int64_t y_step, int64_t from, int64_t to) {
  for (int64_t q = 0; q < row.outputs; ++q)
    for (int64_t ch = from; ch < to; ch += V::width) {
      typename V::type sum = bias ? V::get(bias + ch) : typename V::type{};
      const float* weight = w + ch;
      for (int64_t r = 0; r < row.kh; ++r) {
        const float* x = row.x + q * row.x_step + r * row.x_tap_row + ch;
        for (int64_t s = 0; s < row.kw; ++s, x += row.x_tap_column, weight += row.c) sum += V::get(x) * V::get(weight);
      }
      V::put(y + q * y_step + ch, sum);
    }
}

template <class V>
void wgrad(const DepthwiseRow& row, const float* gy, int64_t gy_step, float* gw, int64_t from, int64_t to) {
  for (int64_t ch = from; ch < to; ch += V::width)
    for (int64_t r = 0; r < row.kh; ++r)
      for (int64_t s = 0; s < row.kw; ++s) {
        typename V::type sum{};
        const float* x = row.x + r * row.x_tap_row + s * row.x_tap_column + ch;
        for (int64_t q = 0; q < row.outputs; ++q) sum += V::get(x + q * row.x_step) * V::get(gy + q * gy_step + ch);
        float* g = gw + (r * row.kw + s) * row.c + ch;
        V::put(g, V::get(g) + sum);
      }
}

}  // namespace

void depthwise_row(const DepthwiseRow& row, const float* w, const float* bias, float* y, int64_t y_step) {
  const int64_t whole = row.c / kLanes * kLanes;
  fwd<Whole>(row, w, bias, y, y_step, 0, whole);
  fwd<Single>(row, w, bias, y, y_step, whole, row.c);
}

void depthwise_wgrad_row(const DepthwiseRow& row, const float* gy, int64_t gy_step, float* gw) {
  const int64_t whole = row.c / kLanes * kLanes;
  wgrad<Whole>(row, gy, gy_step, gw, 0, whole);
  wgrad<Single>(row, gy, gy_step, gw, whole, row.c);
}

}  // namespace kintsugi::KIN_SIMD
