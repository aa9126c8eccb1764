#include "kernels/prelu.h"

#include <vector>

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {
namespace {

/// Rows [begin, end) of the backward; the slope's gradient is added to sums[c] (null: not wanted).
template <class T>
void backward_rows(const PreluBwd& p, int64_t begin, int64_t end, double* sums) {
  const T* slope = static_cast<const T*>(p.slope);
  for (int64_t r = begin; r < end; ++r) {
    const T *x = static_cast<const T*>(p.x) + r * p.c, *gy = static_cast<const T*>(p.gy) + r * p.c;
    if (p.gx) {
      T* gx = static_cast<T*>(p.gx) + r * p.c;
      for (int64_t c = 0; c < p.c; ++c) gx[c] = gy[c] * (x[c] > T(0) ? T(1) : slope[c]);
    }
    if (sums)
      for (int64_t c = 0; c < p.c; ++c) sums[c] += x[c] > T(0) ? 0.0 : double(gy[c]) * double(x[c]);
  }
}

template <class T>
void store_sums(const PreluBwd& p, const double* sums) {
  for (int64_t c = 0; c < p.c; ++c) static_cast<T*>(p.gslope)[c] = T(sums[c]);
}

template <class T>
void forward_rows(const PreluFwd& p, int64_t begin, int64_t end) {
  const T* slope = static_cast<const T*>(p.slope);
  for (int64_t r = begin; r < end; ++r) {
    const T* x = static_cast<const T*>(p.x) + r * p.c;
    T* y = static_cast<T*>(p.y) + r * p.c;
    for (int64_t c = 0; c < p.c; ++c) y[c] = x[c] * (x[c] > T(0) ? T(1) : slope[c]);
  }
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
  visit_float(p.dtype, "prelu_fwd", [&]<class T>() {
    parallel_for(p.rows, grain_for(p.c), [&](int64_t begin, int64_t end) { forward_rows<T>(p, begin, end); });
  });
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
  visit_float(p.dtype, "prelu_bwd", [&]<class T>() {
    const int64_t grain = grain_for(p.c), chunks = p.rows ? (p.rows + grain - 1) / grain : 0;
    std::vector<double> partial(p.gslope ? size_t((chunks + 1) * p.c) : 0, 0.0);
    parallel_for(p.rows, grain, [&](int64_t begin, int64_t end) {
      backward_rows<T>(p, begin, end, p.gslope ? partial.data() + (begin / grain + 1) * p.c : nullptr);
    });
    if (!p.gslope) return;
    for (int64_t k = 1; k <= chunks; ++k)
      for (int64_t c = 0; c < p.c; ++c) partial[size_t(c)] += partial[size_t(k * p.c + c)];
    store_sums<T>(p, partial.data());
  });
}

}  // namespace kintsugi::cpu
