#include "kernels/cpu/unary_simd.h"

#include <cmath>

#include "kernels/base/parallel.h"
#include "kernels/unary.h"
#include "kernels/unary_math.h"

namespace kintsugi::cpu {
namespace {

struct DoubleMath {
  using V = double;
  using S = double;
  static constexpr bool kLibm = true;
  static double abs(double x) { return std::fabs(x); }
  static double sqrt(double x) { return std::sqrt(x); }
  static double exp(double x) { return std::exp(x); }
  static double log(double x) { return std::log(x); }
  static double log1p_unit(double x) { return std::log1p(x); }
  static double tanh(double x) { return std::tanh(x); }
  static double one_plus_erf(double x) { return std::erfc(-x); }  // no cancellation for negative x
  static double sin(double x) { return std::sin(x); }
  static double cos(double x) { return std::cos(x); }
  static double pow(double x, double p) { return std::pow(x, p); }
};
using Math = UnaryMath<DoubleMath>;

template <class F>
double derivative(int order, double x, Math::Params p) {
  return order == 0 ? F::f(x, p) : order == 1 ? F::df(x, p) : F::ddf(x, p);
}

constexpr int64_t kGrain = 1 << 15;

}  // namespace

void unary_fwd_ref(const Context&, const UnaryFwd& a) {
  visit_float(a.dtype, "unary_fwd", [&]<class T>() {
    const T* x = static_cast<const T*>(a.x);
    T* y = static_cast<T*>(a.y);
    Math::visit(a.op, [&]<class F>() {
      for (int64_t i = 0; i < a.n; ++i) y[i] = T(derivative<F>(a.order, x[i], {a.params.a, a.params.b}));
    });
  });
}

void unary_bwd_ref(const Context&, const UnaryBwd& a) {
  visit_float(a.dtype, "unary_bwd", [&]<class T>() {
    const T *x = static_cast<const T*>(a.x), *gy = static_cast<const T*>(a.gy);
    T* gx = static_cast<T*>(a.gx);
    Math::visit(a.op, [&]<class F>() {
      for (int64_t i = 0; i < a.n; ++i) gx[i] = T(gy[i] * derivative<F>(a.order + 1, x[i], {a.params.a, a.params.b}));
    });
  });
}

void unary_fwd_fast(const Context&, const UnaryFwd& a) {
  const float* x = static_cast<const float*>(a.x);
  float* y = static_cast<float*>(a.y);
  const auto run = KIN_SIMD_PICK(unary_run);
  parallel_for(a.n, kGrain, [&](int64_t b, int64_t e) { run(a.op, a.params, a.order, x + b, y + b, e - b); });
}

void unary_bwd_fast(const Context&, const UnaryBwd& a) {
  const float *x = static_cast<const float*>(a.x), *gy = static_cast<const float*>(a.gy);
  float* gx = static_cast<float*>(a.gx);
  const auto run = KIN_SIMD_PICK(unary_times_run);
  parallel_for(a.n, kGrain, [&](int64_t b, int64_t e) { run(a.op, a.params, a.order + 1, x + b, gy + b, gx + b, e - b); });
}

}  // namespace kintsugi::cpu
