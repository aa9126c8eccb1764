#include "kernels/cpu/unary_simd.h"

#include "kernels/base/vmath.h"
#include "kernels/unary_math.h"

namespace kintsugi::KIN_SIMD {
namespace {

struct VectorMath {
  using V = vec;
  using S = float;
  static constexpr bool kLibm = false;
  static vec abs(vec x) { return vabs(x); }
  static vec sqrt(vec x) {
    for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);  // becomes one instruction
    return x;
  }
  static vec exp(vec x) { return vexp(x); }
  static vec log(vec x) { return vlog(x); }
  static vec tanh(vec x) { return vtanh(x); }
  static vec one_plus_erf(vec x) { return splat(1.0f) + verf(x); }
  /// log(1 + x) for x in [0, 1]: 2 atanh(z) with z = x / (2 + x) <= 1/3, so nine terms of the series reach f32 accuracy.
  static vec log1p_unit(vec x) {
    const vec z = x / (splat(2.0f) + x), w = z * z;
    vec p = splat(1.0f / 17);
    for (int k = 15; k >= 1; k -= 2) p = p * w + splat(1.0f / float(k));
    return (z + z) * p;
  }
};
using Math = UnaryMath<VectorMath>;

template <class F, int kOrder>
vec derivative(vec x, Math::Params p) {
  if constexpr (kOrder == 0) return F::f(x, p);
  else if constexpr (kOrder == 1) return F::df(x, p);
  else return F::ddf(x, p);
}

template <class F, int kOrder>
void loop(const float* x, float* y, int64_t n, Math::Params p) {
  for_lanes(n, [=](int64_t i, auto lanes) { lanes.store(y + i, derivative<F, kOrder>(lanes.load(x + i), p)); });
}

template <class F, int kOrder>
void loop_times(const float* x, const float* gy, float* gx, int64_t n, Math::Params p) {
  for_lanes(n, [=](int64_t i, auto lanes) { lanes.store(gx + i, lanes.load(gy + i) * derivative<F, kOrder>(lanes.load(x + i), p)); });
}

}  // namespace

void unary_run(UnaryOp op, UnaryParams params, int order, const float* x, float* y, int64_t n) {
  const Math::Params p{float(params.a), float(params.b)};
  Math::visit(op, [&]<class F>() {
    if (order == 0) loop<F, 0>(x, y, n, p);
    else if (order == 1) loop<F, 1>(x, y, n, p);
    else loop<F, 2>(x, y, n, p);
  });
}

void unary_times_run(UnaryOp op, UnaryParams params, int order, const float* x, const float* gy, float* gx, int64_t n) {
  const Math::Params p{float(params.a), float(params.b)};
  Math::visit(op, [&]<class F>() {
    if (order == 1) loop_times<F, 1>(x, gy, gx, n, p);
    else loop_times<F, 2>(x, gy, gx, n, p);
  });
}

}  // namespace kintsugi::KIN_SIMD
