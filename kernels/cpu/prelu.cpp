#include "kernels/cpu/prelu_simd.h"

#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/prelu.h"

namespace kintsugi::cpu {
namespace {

template <class T>
void store_sums(const PreluBwd& p, const double* sums) {
  for (int64_t c = 0; c < p.c; ++c) static_cast<T*>(p.gslope)[c] = T(sums[c]);
}

}  // namespace

void prelu_fwd_ref(const Context&, const PreluFwd& p) {
  visit_float(p.dtype, "prelu_fwd", [&]<class T>() {
    const T *x = static_cast<const T*>(p.x), *slope = static_cast<const T*>(p.slope);
    T* y = static_cast<T*>(p.y);
    for (int64_t i = 0; i < p.rows * p.c; ++i) y[i] = x[i] > T(0) ? x[i] : slope[i % p.c] * x[i];
  });
}

void prelu_fwd_fast(const Context&, const PreluFwd& p) {
  const auto run = KIN_SIMD_PICK(prelu_rows);
  const float *x = static_cast<const float*>(p.x), *slope = static_cast<const float*>(p.slope);
  float* y = static_cast<float*>(p.y);
  parallel_for(p.rows, grain_for(p.c), [&](int64_t r, int64_t end) { run(x + r * p.c, slope, y + r * p.c, end - r, p.c); });
}

void prelu_bwd_ref(const Context&, const PreluBwd& p) {
  visit_float(p.dtype, "prelu_bwd", [&]<class T>() {
    std::vector<double> sums(size_t(p.c), 0.0);
    const T *x = static_cast<const T*>(p.x), *slope = static_cast<const T*>(p.slope), *gy = static_cast<const T*>(p.gy);
    for (int64_t i = 0; i < p.rows * p.c; ++i) {
      if (p.gx) static_cast<T*>(p.gx)[i] = x[i] > T(0) ? gy[i] : slope[i % p.c] * gy[i];
      if (!(x[i] > T(0))) sums[size_t(i % p.c)] += double(gy[i]) * double(x[i]);
    }
    if (p.gslope) store_sums<T>(p, sums.data());
  });
}

void prelu_bwd_fast(const Context&, const PreluBwd& p) {
  const auto run = KIN_SIMD_PICK(prelu_backward_rows);
  const float *x = static_cast<const float*>(p.x), *slope = static_cast<const float*>(p.slope), *gy = static_cast<const float*>(p.gy);
  float* gx = static_cast<float*>(p.gx);
  const int64_t grain = grain_for(p.c), chunks = (p.rows + grain - 1) / grain;
  std::vector<double> partial(p.gslope ? size_t((chunks + 1) * p.c) : 0, 0.0);  // line 0: the total
  parallel_for(p.rows, grain, [&](int64_t r, int64_t end) {
    run(x + r * p.c, slope, gy + r * p.c, gx ? gx + r * p.c : nullptr, p.gslope ? partial.data() + (r / grain + 1) * p.c : nullptr, end - r, p.c);
  });
  if (!p.gslope) return;
  for (int64_t k = 1; k <= chunks; ++k)
    for (int64_t c = 0; c < p.c; ++c) partial[size_t(c)] += partial[size_t(k * p.c + c)];
  store_sums<float>(p, partial.data());
}

}  // namespace kintsugi::cpu
