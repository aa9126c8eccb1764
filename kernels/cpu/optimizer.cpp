#include "kernels/optimizer.h"

#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kBlock = 1 << 15;

// The same source serves both rows: ref stores T and computes in f64, fast does both in f32.
template <class T, class Real>
void adam(const AdamStep& a, int64_t begin, int64_t end) {
  T *p = static_cast<T*>(a.p), *m = static_cast<T*>(a.m), *v = static_cast<T*>(a.v), *ema = static_cast<T*>(a.ema);
  const T* grad = static_cast<const T*>(a.g);
  const Real beta1 = Real(a.beta1), rest1 = Real(1 - a.beta1), beta2 = Real(a.beta2), rest2 = Real(1 - a.beta2);
  if (a.verdict && a.verdict->finite == 0) return;
  const AdamRates rates = a.rates ? *a.rates : adam_rates(a);
  const Real rate = Real(rates.rate), root = Real(rates.root), shrink = Real(rates.shrink);
  const Real eps = Real(a.eps), scale = Real(a.verdict ? a.verdict->grad_scale : a.grad_scale), coupled = Real(a.decoupled ? 0 : a.weight_decay);
  for (int64_t i = begin; i < end; ++i) {
    const Real old = Real(p[i]), g = scale * Real(grad[i]) + coupled * old;
    const Real mean = beta1 * Real(m[i]) + rest1 * g, square = beta2 * Real(v[i]) + rest2 * g * g;
    m[i] = T(mean);
    v[i] = T(square);
    p[i] = T(old - shrink * old - rate * mean / (std::sqrt(square) * root + eps));
  }
  if (!ema) return;
  const Real decay = Real(a.ema_decay), rest = Real(1 - a.ema_decay);
  for (int64_t i = begin; i < end; ++i) ema[i] = T(decay * Real(ema[i]) + rest * Real(p[i]));
}

template <class T, class Real>
void sgd(const SgdStep& a, int64_t begin, int64_t end) {
  T *p = static_cast<T*>(a.p), *buffer = static_cast<T*>(a.buffer);
  const T* grad = static_cast<const T*>(a.g);
  const Real lr = Real(a.lr), momentum = Real(a.momentum), decay = Real(a.weight_decay), scale = Real(a.grad_scale);
  for (int64_t i = begin; i < end; ++i) {
    Real step = scale * Real(grad[i]) + decay * Real(p[i]);
    if (buffer) {
      step += momentum * Real(buffer[i]);
      buffer[i] = T(step);
    }
    p[i] = T(Real(p[i]) - lr * step);
  }
}

template <class T, class Real>
void ema(const EmaUpdate& a, int64_t begin, int64_t end) {
  if (a.verdict && a.verdict->finite == 0) return;
  T* average = static_cast<T*>(a.ema);
  const T* p = static_cast<const T*>(a.p);
  const Real decay = Real(a.decay), rest = Real(1 - a.decay);
  for (int64_t i = begin; i < end; ++i) average[i] = T(decay * Real(average[i]) + rest * Real(p[i]));
}

}  // namespace

void adam_step_ref(const Context&, const AdamStep& a) {
  visit_float(a.dtype, "adam_step", [&]<class T>() { adam<T, double>(a, 0, a.n); });
}
void adam_step_fast(const Context&, const AdamStep& a) {
  // Chunks that stay in the first-level cache, so that the second loop of the average reads no memory again.
  parallel_for(a.n, kBlock, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 1024) adam<float, float>(a, i, i + 1024 < end ? i + 1024 : end);
  });
}

void sgd_step_ref(const Context&, const SgdStep& a) {
  visit_float(a.dtype, "sgd_step", [&]<class T>() { sgd<T, double>(a, 0, a.n); });
}
void sgd_step_fast(const Context&, const SgdStep& a) {
  parallel_for(a.n, kBlock, [&](int64_t begin, int64_t end) { sgd<float, float>(a, begin, end); });
}

void ema_update_ref(const Context&, const EmaUpdate& a) {
  visit_float(a.dtype, "ema_update", [&]<class T>() { ema<T, double>(a, 0, a.n); });
}
void ema_update_fast(const Context&, const EmaUpdate& a) {
  parallel_for(a.n, kBlock, [&](int64_t begin, int64_t end) { ema<float, float>(a, begin, end); });
}

void sum_squares_ref(const Context&, const SumSquares& a) {
  visit_float(a.dtype, "sum_squares", [&]<class T>() {
    double sum = 0;
    for (int64_t i = 0; i < a.n; ++i) sum += double(static_cast<const T*>(a.x)[i]) * double(static_cast<const T*>(a.x)[i]);
    *a.out = sum;
  });
}
void sum_squares_fast(const Context&, const SumSquares& a) {
  const auto* x = static_cast<const float*>(a.x);
  std::vector<double> partial(size_t((a.n + kBlock - 1) / kBlock));
  parallel_for(a.n, kBlock, [&](int64_t begin, int64_t end) {
    double lanes[8] = {};  // independent sums, or each addition waits for the one before
    int64_t i = begin;
    for (; i + 8 <= end; i += 8)
      for (int k = 0; k < 8; ++k) lanes[k] += double(x[i + k]) * double(x[i + k]);
    for (; i < end; ++i) lanes[0] += double(x[i]) * double(x[i]);
    partial[size_t(begin / kBlock)] = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  });
  *a.out = 0;
  for (const double p : partial) *a.out += p;
}

}  // namespace kintsugi::cpu
