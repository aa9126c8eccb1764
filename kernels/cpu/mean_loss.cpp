#include "kernels/cpu/mean_loss_simd.h"

#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/mean_loss.h"
#include "kernels/mean_loss_math.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kChunk = 1 << 15;

double root(double v) { return std::sqrt(v); }

}  // namespace

void mean_loss_fwd_ref(const Context&, const MeanLossFwd& p) {
  visit_float(p.dtype, "mean_loss_fwd", [&]<class T>() {
    const T *a = static_cast<const T*>(p.a), *b = static_cast<const T*>(p.b);
    double s = 0;
    for (int64_t i = 0; i < p.n; ++i) s += loss_distance(p.kind, double(a[i]) - double(b[i]), p.param, root);
    *static_cast<T*>(p.y) = T(s / double(p.n));
  });
}

void mean_loss_bwd_ref(const Context&, const MeanLossBwd& p) {
  visit_float(p.dtype, "mean_loss_bwd", [&]<class T>() {
    const T *a = static_cast<const T*>(p.a), *b = static_cast<const T*>(p.b);
    const double g = double(*static_cast<const T*>(p.gy)) / double(p.n);
    for (int64_t i = 0; i < p.n; ++i) {
      const T v = T(g * loss_slope(p.kind, double(a[i]) - double(b[i]), p.param, root));
      if (p.ga) static_cast<T*>(p.ga)[i] = v;
      if (p.gb) static_cast<T*>(p.gb)[i] = -v;
    }
  });
}

void mean_loss_fwd_fast(const Context&, const MeanLossFwd& p) {
  const auto sum = KIN_SIMD_PICK(mean_loss_sum);
  const float *a = static_cast<const float*>(p.a), *b = static_cast<const float*>(p.b);
  std::vector<double> partial(size_t((p.n + kChunk - 1) / kChunk));
  parallel_for(p.n, kChunk, [&](int64_t begin, int64_t end) {
    partial[size_t(begin / kChunk)] = sum(p.kind, float(p.param), a + begin, b + begin, end - begin);
  });
  double total = 0;
  for (double s : partial) total += s;
  *static_cast<float*>(p.y) = float(total / double(p.n));
}

void mean_loss_bwd_fast(const Context&, const MeanLossBwd& p) {
  const auto run = KIN_SIMD_PICK(mean_loss_slope);
  const float *a = static_cast<const float*>(p.a), *b = static_cast<const float*>(p.b);
  float *ga = static_cast<float*>(p.ga), *gb = static_cast<float*>(p.gb);
  const float g = float(double(*static_cast<const float*>(p.gy)) / double(p.n));
  parallel_for(p.n, kChunk, [&](int64_t i, int64_t end) {
    run(p.kind, float(p.param), g, a + i, b + i, ga ? ga + i : nullptr, gb ? gb + i : nullptr, end - i);
  });
}

}  // namespace kintsugi::cpu
