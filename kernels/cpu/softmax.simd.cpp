#include "kernels/cpu/softmax_simd.h"

#include "kernels/base/vmath.h"

namespace kintsugi::KIN_SIMD {
namespace {

float row_max(const float* x, int64_t width) {
  vec m = splat(-__builtin_inff());
  for_lanes(width, [&](int64_t i, auto lanes) {
    const vec v = lanes.load(x + i, m);
    m = select(v > m, v, m);
  });
  return lane_max(m);
}

double row_sum(const float* x, int64_t width) {
  vec s{};
  for_lanes(width, [&](int64_t i, auto lanes) { s += lanes.load(x + i); });
  return lane_sum(s);
}

/// Sum of exp(x - max).
double row_exp_sum(const float* x, int64_t width, float max) {
  vec s{};
  for_lanes(width, [&](int64_t i, auto lanes) { s += vexp(lanes.load(x + i, splat(-__builtin_inff())) - splat(max)); });
  return lane_sum(s);
}

}  // namespace

void softmax_rows(const float* x, float* y, int64_t rows, int64_t width, float scale) {
  for (int64_t r = 0; r < rows; ++r, x += width, y += width) {
    // The maximum is taken of the scaled row, which is right for a negative scale too.
    vec top = splat(-__builtin_inff());
    for_lanes(width, [&](int64_t i, auto lanes) {
      const vec v = lanes.load(x + i) * splat(scale);
      lanes.store(y + i, v);
      const vec w = lanes.load(y + i, top);
      top = select(w > top, w, top);
    });
    const vec max = splat(lane_max(top));
    vec sum{};
    for_lanes(width, [&](int64_t i, auto lanes) {
      const vec e = vexp(lanes.load(y + i, splat(-__builtin_inff())) - max);
      lanes.store(y + i, e);
      sum += e;
    });
    const vec inverse = splat(1.0f / lane_sum(sum));
    for_lanes(width, [&](int64_t i, auto lanes) { lanes.store(y + i, lanes.load(y + i) * inverse); });
  }
}

void softmax_row_grads(const float* gy, const float* y, float* gx, int64_t rows, int64_t width, float scale) {
  for (int64_t r = 0; r < rows; ++r, gy += width, y += width, gx += width) {
    vec dot{};
    for_lanes(width, [&](int64_t i, auto lanes) { dot += lanes.load(gy + i) * lanes.load(y + i); });
    const vec d = splat(lane_sum(dot));
    for_lanes(width, [&](int64_t i, auto lanes) { lanes.store(gx + i, splat(scale) * lanes.load(y + i) * (lanes.load(gy + i) - d)); });
  }
}

void log_softmax_rows(const float* x, float* y, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; ++r, x += width, y += width) {
    const float max = row_max(x, width);
    const vec m = splat(max), log_sum = splat(float(__builtin_log(row_exp_sum(x, width, max))));
    for_lanes(width, [&](int64_t i, auto lanes) { lanes.store(y + i, (lanes.load(x + i) - m) - log_sum); });
  }
}

void log_softmax_row_grads(const float* gy, const float* y, float* gx, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; ++r, gy += width, y += width, gx += width) {
    const vec sum = splat(float(row_sum(gy, width)));
    for_lanes(width, [&](int64_t i, auto lanes) { lanes.store(gx + i, lanes.load(gy + i) - vexp(lanes.load(y + i)) * sum); });
  }
}

double cross_entropy_rows(const float* x, const int64_t* target, float* g, int64_t rows, int64_t width, double smoothing,
                          float weight) {
  double loss = 0;
  const float share = float(smoothing / double(width));
  for (int64_t r = 0; r < rows; ++r, x += width) {
    const float max = row_max(x, width);
    const double sum = row_exp_sum(x, width, max), log_sum = __builtin_log(sum);
    // -sum_k q_k (x_k - max - log_sum), and the q_k add up to one.
    double mean = 0;
    if (smoothing != 0) {
      vec s{};
      for_lanes(width, [&](int64_t i, auto lanes) { s += lanes.load(x + i, splat(max)) - splat(max); });
      mean = double(lane_sum(s)) / double(width);
    }
    const int64_t t = target[r];
    loss += log_sum - (1 - smoothing) * (double(x[t]) - double(max)) - smoothing * mean;
    if (!g) continue;
    const vec inverse = splat(float(1 / sum)), m = splat(max);
    for_lanes(width, [&](int64_t i, auto lanes) {
      lanes.store(g + i, (vexp(lanes.load(x + i) - m) * inverse - splat(share)) * splat(weight));
    });
    g[t] -= float(1 - smoothing) * weight;
    g += width;
  }
  return loss;
}

}  // namespace kintsugi::KIN_SIMD
