#include "kernels/softmax.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/parallel.h"
#include "kernels/cpu/softmax_simd.h"

namespace kintsugi {
namespace cpu {
namespace {

struct RowScale {
  double max, sum;  // sum of exp(x - max)
};
template <class T>
RowScale row_scale(const T* x, int64_t width) {
  RowScale s{-INFINITY, 0};
  for (int64_t i = 0; i < width; ++i) s.max = std::max(s.max, double(x[i]));
  for (int64_t i = 0; i < width; ++i) s.sum += std::exp(x[i] - s.max);
  return s;
}

template <class T>
void forward_ref(const SoftmaxFwd& a, bool log) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.x) + r * a.width;
    T* y = static_cast<T*>(a.y) + r * a.width;
    const RowScale s = row_scale(x, a.width);
    for (int64_t i = 0; i < a.width; ++i) y[i] = T(log ? x[i] - s.max - std::log(s.sum) : std::exp(x[i] - s.max) / s.sum);
  }
}

template <class T>
void backward_ref(const SoftmaxBwd& a, bool log) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const T *gy = static_cast<const T*>(a.gy) + r * a.width, *y = static_cast<const T*>(a.y) + r * a.width;
    T* gx = static_cast<T*>(a.gx) + r * a.width;
    double sum = 0;
    for (int64_t i = 0; i < a.width; ++i) sum += log ? double(gy[i]) : double(gy[i]) * y[i];
    for (int64_t i = 0; i < a.width; ++i) gx[i] = T(log ? gy[i] - std::exp(double(y[i])) * sum : y[i] * (gy[i] - sum));
  }
}

}  // namespace

void softmax_fwd_ref(const Context&, const SoftmaxFwd& a) {
  visit_float(a.dtype, "softmax_fwd", [&]<class T>() { forward_ref<T>(a, false); });
}
void log_softmax_fwd_ref(const Context&, const SoftmaxFwd& a) {
  visit_float(a.dtype, "log_softmax_fwd", [&]<class T>() { forward_ref<T>(a, true); });
}
void softmax_bwd_ref(const Context&, const SoftmaxBwd& a) {
  visit_float(a.dtype, "softmax_bwd", [&]<class T>() { backward_ref<T>(a, false); });
}
void log_softmax_bwd_ref(const Context&, const SoftmaxBwd& a) {
  visit_float(a.dtype, "log_softmax_bwd", [&]<class T>() { backward_ref<T>(a, true); });
}

void softmax_fwd_fast(const Context&, const SoftmaxFwd& a) {
  parallel_for(a.rows, grain_for(a.width * 16), [&](int64_t begin, int64_t end) {
    const int64_t i = begin * a.width;
    KIN_SIMD_PICK(softmax_rows)
    (static_cast<const float*>(a.x) + i, static_cast<float*>(a.y) + i, end - begin, a.width, 1.0f);
  });
}
void log_softmax_fwd_fast(const Context&, const SoftmaxFwd& a) {
  parallel_for(a.rows, grain_for(a.width * 16), [&](int64_t begin, int64_t end) {
    const int64_t i = begin * a.width;
    KIN_SIMD_PICK(log_softmax_rows)
    (static_cast<const float*>(a.x) + i, static_cast<float*>(a.y) + i, end - begin, a.width);
  });
}
void softmax_bwd_fast(const Context&, const SoftmaxBwd& a) {
  parallel_for(a.rows, grain_for(a.width * 4), [&](int64_t begin, int64_t end) {
    const int64_t i = begin * a.width;
    KIN_SIMD_PICK(softmax_row_grads)
    (static_cast<const float*>(a.gy) + i, static_cast<const float*>(a.y) + i, static_cast<float*>(a.gx) + i, end - begin, a.width,
     1.0f);
  });
}
void log_softmax_bwd_fast(const Context&, const SoftmaxBwd& a) {
  parallel_for(a.rows, grain_for(a.width * 16), [&](int64_t begin, int64_t end) {
    const int64_t i = begin * a.width;
    KIN_SIMD_PICK(log_softmax_row_grads)
    (static_cast<const float*>(a.gy) + i, static_cast<const float*>(a.y) + i, static_cast<float*>(a.gx) + i, end - begin, a.width);
  });
}

}  // namespace cpu
}  // namespace kintsugi
