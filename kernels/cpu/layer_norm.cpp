#include "kernels/layer_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cpu/layer_norm_simd.h"

namespace kintsugi {
namespace cpu {
namespace {

template <class T>
void forward_ref(const LayerNormFwd& a) {
  const T *gamma = static_cast<const T*>(a.gamma), *beta = static_cast<const T*>(a.beta);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.x) + r * a.channels;
    T* y = static_cast<T*>(a.y) + r * a.channels;
    double sum = 0, squares = 0;
    for (int64_t c = 0; c < a.channels; ++c) sum += double(x[c]);
    const double mean = sum / double(a.channels);
    for (int64_t c = 0; c < a.channels; ++c) squares += (x[c] - mean) * (x[c] - mean);
    const double rstd = 1 / std::sqrt(squares / double(a.channels) + a.eps);
    for (int64_t c = 0; c < a.channels; ++c)
      y[c] = T((x[c] - mean) * rstd * (gamma ? double(gamma[c]) : 1) + (beta ? double(beta[c]) : 0));
    static_cast<T*>(a.mean)[r] = T(mean);
    static_cast<T*>(a.rstd)[r] = T(rstd);
  }
}

template <class T>
void backward_ref(const LayerNormBwd& a) {
  const T* gamma = static_cast<const T*>(a.gamma);
  std::vector<double> gamma_sums(a.channels), beta_sums(a.channels);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T *x = static_cast<const T*>(a.x) + r * a.channels, *gy = static_cast<const T*>(a.gy) + r * a.channels;
    const double mean = static_cast<const T*>(a.mean)[r], rstd = static_cast<const T*>(a.rstd)[r];
    auto scaled = [&](int64_t c) { return double(gy[c]) * (gamma ? double(gamma[c]) : 1); };
    auto xhat = [&](int64_t c) { return (x[c] - mean) * rstd; };
    double sum = 0, dot = 0;
    for (int64_t c = 0; c < a.channels; ++c) {
      sum += scaled(c);
      dot += scaled(c) * xhat(c);
      gamma_sums[c] += gy[c] * xhat(c);
      beta_sums[c] += gy[c];
    }
    if (T* gx = static_cast<T*>(a.gx))
      for (int64_t c = 0; c < a.channels; ++c)
        gx[r * a.channels + c] = T(rstd * (scaled(c) - (sum + xhat(c) * dot) / double(a.channels)));
  }
  for (int64_t c = 0; c < a.channels; ++c) {
    if (a.ggamma) static_cast<T*>(a.ggamma)[c] = T(gamma_sums[c]);
    if (a.gbeta) static_cast<T*>(a.gbeta)[c] = T(beta_sums[c]);
  }
}

}  // namespace

void layer_norm_fwd_ref(const Context&, const LayerNormFwd& a) {
  visit_float(a.dtype, "layer_norm_fwd", [&]<class T>() { forward_ref<T>(a); });
}

void layer_norm_bwd_ref(const Context&, const LayerNormBwd& a) {
  visit_float(a.dtype, "layer_norm_bwd", [&]<class T>() { backward_ref<T>(a); });
}

void layer_norm_fwd_fast(const Context&, const LayerNormFwd& a) {
  const auto *x = static_cast<const float*>(a.x), *gamma = static_cast<const float*>(a.gamma);
  const auto* beta = static_cast<const float*>(a.beta);
  auto *y = static_cast<float*>(a.y), *mean = static_cast<float*>(a.mean), *rstd = static_cast<float*>(a.rstd);
  parallel_for(a.rows, grain_for(a.channels * 8), [&](int64_t begin, int64_t end) {
    const int64_t offset = begin * a.channels;
    KIN_SIMD_PICK(layer_norm_rows)
    (x + offset, gamma, beta, y + offset, mean + begin, rstd + begin, end - begin, a.channels, a.eps);
  });
}

void layer_norm_bwd_fast(const Context&, const LayerNormBwd& a) {
  const auto *gy = static_cast<const float*>(a.gy), *x = static_cast<const float*>(a.x);
  const auto *gamma = static_cast<const float*>(a.gamma);
  const auto *mean = static_cast<const float*>(a.mean), *rstd = static_cast<const float*>(a.rstd);
  auto* gx = static_cast<float*>(a.gx);
  const int64_t C = a.channels, grain = std::max<int64_t>(16, grain_for(C * 12)), chunks = (a.rows + grain - 1) / grain;
  std::vector<float> partial((a.ggamma || a.gbeta) ? chunks * 2 * C : 0);  // per block of rows: ggamma, gbeta
  parallel_for(a.rows, grain, [&](int64_t begin, int64_t end) {
    float* sums = partial.empty() ? nullptr : &partial[begin / grain * 2 * C];
    const int64_t offset = begin * C;
    KIN_SIMD_PICK(layer_norm_row_grads)
    (gy + offset, x + offset, gamma, mean + begin, rstd + begin, gx ? gx + offset : nullptr, sums, sums ? sums + C : nullptr,
     end - begin, C);
  });
  auto add_up = [&](void* out, int64_t which) {
    if (!out) return;
    for (int64_t c = 0; c < C; ++c) {
      double sum = 0;
      for (int64_t k = 0; k < chunks; ++k) sum += partial[(k * 2 + which) * C + c];
      static_cast<float*>(out)[c] = float(sum);
    }
  };
  add_up(a.ggamma, 0);
  add_up(a.gbeta, 1);
}

}  // namespace cpu
}  // namespace kintsugi
