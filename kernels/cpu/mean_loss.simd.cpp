#include "kernels/cpu/mean_loss_simd.h"

#include "kernels/base/vmath.h"

namespace kintsugi::KIN_SIMD {
namespace {

vec root(vec x) {
  for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);  // becomes one instruction
  return x;
}
vec sign(vec d) { return select(d > vec{}, splat(1.0f), select(d < vec{}, splat(-1.0f), vec{})); }

struct L1 {
  static vec f(vec d, float) { return vabs(d); }
  static vec df(vec d, float) { return sign(d); }
};
struct Mse {
  static vec f(vec d, float) { return d * d; }
  static vec df(vec d, float) { return d + d; }
};
struct SmoothL1 {  // c = d inside, +-beta outside: both pieces are c (d - c/2) / beta
  static vec f(vec d, float beta) {
    const vec c = vmax(vmin(d, splat(beta)), splat(-beta));
    return c * (d - 0.5f * c) / beta;
  }
  static vec df(vec d, float beta) { return vmax(vmin(d, splat(beta)), splat(-beta)) / beta; }
};
struct Charbonnier {
  static vec f(vec d, float eps) { return root(d * d + eps); }
  static vec df(vec d, float eps) { return d / root(d * d + eps); }
};

template <class Use>
void visit(MeanLossKind kind, Use&& use) {
  switch (kind) {
    case MeanLossKind::l1: return use.template operator()<L1>();
    case MeanLossKind::mse: return use.template operator()<Mse>();
    case MeanLossKind::smooth_l1: return use.template operator()<SmoothL1>();
    case MeanLossKind::charbonnier: return use.template operator()<Charbonnier>();
  }
}

constexpr int64_t kBlock = 32;  // f32 additions per accumulator before it goes to f64

}  // namespace

double mean_loss_sum(MeanLossKind kind, float param, const float* a, const float* b, int64_t n) {
  double total = 0;
  visit(kind, [&]<class F>() {
    int64_t i = 0;
    while (i + kLanes <= n) {
      vec acc{};
      for (int64_t k = 0; k < kBlock && i + kLanes <= n; ++k, i += kLanes) acc += F::f(load(a + i) - load(b + i), param);
      for (int l = 0; l < kLanes; ++l) total += double(acc[l]);
    }
    for (; i < n; ++i) total += double(F::f(splat(a[i] - b[i]), param)[0]);
  });
  return total;
}

void mean_loss_slope(MeanLossKind kind, float param, float g, const float* a, const float* b, float* ga, float* gb, int64_t n) {
  visit(kind, [&]<class F>() {
    for_lanes(n, [&](int64_t i, auto lanes) {
      const vec slope = g * F::df(lanes.load(a + i) - lanes.load(b + i), param);
      if (ga) lanes.store(ga + i, slope);
      if (gb) lanes.store(gb + i, -slope);
    });
  });
}

}  // namespace kintsugi::KIN_SIMD
