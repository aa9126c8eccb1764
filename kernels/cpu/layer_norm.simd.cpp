#include "kernels/cpu/layer_norm_simd.h"

#include "kernels/base/vmath.h"

namespace kintsugi::KIN_SIMD {

void layer_norm_rows(const float* x, const float* gamma, const float* beta, float* y, float* mean, float* rstd, int64_t rows,
                     int64_t channels, double eps) {
  const vec one = splat(1);
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
    vec first{};
    for_lanes(channels, [&](int64_t c, auto lanes) { first += lanes.load(x + c); });
    // Deviations from the first mean are small even where the mean is large; their own mean corrects it.
    const float shift = lane_sum(first) / float(channels);
    vec sum{}, squares{};
    for_lanes(channels, [&](int64_t c, auto lanes) {
      const vec d = lanes.load(x + c, splat(shift)) - splat(shift);
      sum += d;
      squares += d * d;
    });
    const double rest = double(lane_sum(sum)) / double(channels);
    const double variance = double(lane_sum(squares)) / double(channels) - rest * rest;
    const float scale = float(1 / __builtin_sqrt((variance > 0 ? variance : 0) + eps));
    const vec vscale = splat(scale), vshift = splat(shift), vrest = splat(float(rest));
    for_lanes(channels, [&](int64_t c, auto lanes) {
      const vec xhat = ((lanes.load(x + c) - vshift) - vrest) * vscale;
      lanes.store(y + c, xhat * (gamma ? lanes.load(gamma + c) : one) + (beta ? lanes.load(beta + c) : vec{}));
    });
    mean[r] = float(double(shift) + rest);
    rstd[r] = scale;
  }
}

void layer_norm_row_grads(const float* gy, const float* x, const float* gamma, const float* mean, const float* rstd, float* gx,
                          float* ggamma, float* gbeta, int64_t rows, int64_t channels) {
  const vec one = splat(1);
  for (int64_t r = 0; r < rows; ++r, gy += channels, x += channels) {
    const vec m = splat(mean[r]), scale = splat(rstd[r]);
    vec sum{}, dot{};
    for_lanes(channels, [&](int64_t c, auto lanes) {
      const vec g = lanes.load(gy + c), xhat = (lanes.load(x + c) - m) * scale;
      const vec gh = g * (gamma ? lanes.load(gamma + c) : one);
      sum += gh;
      dot += gh * xhat;
      if (ggamma) lanes.store(ggamma + c, lanes.load(ggamma + c) + g * xhat);
      if (gbeta) lanes.store(gbeta + c, lanes.load(gbeta + c) + g);
    });
    if (!gx) continue;
    const vec mean_sum = splat(lane_sum(sum) / float(channels)), mean_dot = splat(lane_sum(dot) / float(channels));
    for_lanes(channels, [&](int64_t c, auto lanes) {
      const vec gh = lanes.load(gy + c) * (gamma ? lanes.load(gamma + c) : one), xhat = (lanes.load(x + c) - m) * scale;
      lanes.store(gx + c, scale * (gh - (mean_sum + xhat * mean_dot)));
    });
    gx += channels;
  }
}

}  // namespace kintsugi::KIN_SIMD
