#include "kernels/cpu/group_norm_simd.h"

#include "kernels/base/vmath.h"

namespace kintsugi::KIN_SIMD {
namespace {

/// A block of channels walks down all rows with its sums in registers; two rows at a time hide the latency of the adds.
template <class F>
void down_rows(int64_t rows, F&& f) {
  int64_t r = 0;
  for (; r + 2 <= rows; r += 2) f(r, 0), f(r + 1, 1);
  if (r < rows) f(r, 0);
}

struct Channel {  // per-channel constants of the backward pass
  vec mean, rstd, gamma, beta;
  template <class Lanes>
  Channel(const float* k, int64_t channels, int64_t c, Lanes lanes)
      : mean(lanes.load(k + c)), rstd(lanes.load(k + channels + c)), gamma(lanes.load(k + 2 * channels + c)),
        beta(lanes.load(k + 3 * channels + c)) {}
  vec xhat(vec x) const { return (x - mean) * rstd; }
  template <bool silu>
  vec gz(vec gy, vec xhat) const {
    if (!silu) return gy;
    const vec z = xhat * gamma + beta, s = vsigmoid(z);
    return gy * (s * (splat(1) + z * (splat(1) - s)));
  }
};

template <bool silu>
void apply(const float* x, float* y, int64_t rows, int64_t channels, const float* shift, const float* scale, const float* bias) {
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels)
    for_lanes(channels, [&](int64_t c, auto lanes) {
      const vec z = (lanes.load(x + c) - lanes.load(shift + c)) * lanes.load(scale + c) + lanes.load(bias + c);
      lanes.store(y + c, silu ? z * vsigmoid(z) : z);
    });
}

template <bool silu>
void channel_grads(const float* gy, const float* x, int64_t rows, int64_t channels, const float* coefficients, float* sum,
                   float* dot) {
  for_lanes(channels, [&](int64_t c, auto lanes) {
    const Channel k(coefficients, channels, c, lanes);
    vec s[2] = {}, d[2] = {};
    down_rows(rows, [&](int64_t r, int i) {
      const vec h = k.xhat(lanes.load(x + r * channels + c));
      const vec g = k.gz<silu>(lanes.load(gy + r * channels + c), h);
      s[i] += g;
      d[i] += g * h;
    });
    lanes.store(sum + c, s[0] + s[1]);
    lanes.store(dot + c, d[0] + d[1]);
  });
}

template <bool silu>
void input_grad(const float* gy, const float* x, float* gx, int64_t rows, int64_t channels, const float* coefficients) {
  const float *mean_sum = coefficients + 4 * channels, *mean_dot = coefficients + 5 * channels;
  for (int64_t r = 0; r < rows; ++r, gy += channels, x += channels, gx += channels)
    for_lanes(channels, [&](int64_t c, auto lanes) {
      const Channel k(coefficients, channels, c, lanes);
      const vec h = k.xhat(lanes.load(x + c)), g = k.gz<silu>(lanes.load(gy + c), h);
      lanes.store(gx + c, k.rstd * (k.gamma * g - (lanes.load(mean_sum + c) + h * lanes.load(mean_dot + c))));
    });
}

}  // namespace

void group_norm_sums(const float* x, int64_t rows, int64_t channels, float* sum) {
  for_lanes(channels, [&](int64_t c, auto lanes) {
    vec s[2] = {};
    down_rows(rows, [&](int64_t r, int i) { s[i] += lanes.load(x + r * channels + c); });
    lanes.store(sum + c, s[0] + s[1]);
  });
}

void group_norm_deviations(const float* x, int64_t rows, int64_t channels, const float* shift, float* sum, float* squares) {
  for_lanes(channels, [&](int64_t c, auto lanes) {
    const vec base = lanes.load(shift + c);
    vec s[2] = {}, q[2] = {};
    down_rows(rows, [&](int64_t r, int i) {
      const vec d = lanes.load(x + r * channels + c) - base;
      s[i] += d;
      q[i] += d * d;
    });
    lanes.store(sum + c, s[0] + s[1]);
    lanes.store(squares + c, q[0] + q[1]);
  });
}

void group_norm_apply(const float* x, float* y, int64_t rows, int64_t channels, const float* shift, const float* scale,
                      const float* bias, bool silu) {
  silu ? apply<true>(x, y, rows, channels, shift, scale, bias) : apply<false>(x, y, rows, channels, shift, scale, bias);
}

void group_norm_channel_grads(const float* gy, const float* x, int64_t rows, int64_t channels, const float* coefficients,
                              bool silu, float* sum, float* dot) {
  silu ? channel_grads<true>(gy, x, rows, channels, coefficients, sum, dot)
       : channel_grads<false>(gy, x, rows, channels, coefficients, sum, dot);
}

void group_norm_input_grad(const float* gy, const float* x, float* gx, int64_t rows, int64_t channels,
                           const float* coefficients, bool silu) {
  silu ? input_grad<true>(gy, x, gx, rows, channels, coefficients)
       : input_grad<false>(gy, x, gx, rows, channels, coefficients);
}

}  // namespace kintsugi::KIN_SIMD
