// Optimiser steps over one parameter tensor. Floor: Adam reads p, g, m, v and writes p, m, v: 28 bytes per parameter, 36 with the average.
#include "kernels/optimizer.h"

#include "kernels/gpu/column_sums.h"
#include "kernels/gpu/vector.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

struct Adam {
  float *p, *m, *v, *ema;  // ema null: no average
  const float* g;
  float beta1, rest1, beta2, rest2, rate, root, eps, scale, coupled, shrink, decay, rest;
  const AdamRates* rates;  // null: the numbers above hold
  const StepVerdict* verdict;
};

// The numbers that are known only now. False: there is nothing to do.
__device__ __forceinline__ bool ready(Adam& a) {
  if (!a.verdict) return true;
  a.rate = float(a.rates->rate);
  a.root = float(a.rates->root);
  a.shrink = float(a.rates->shrink);
  a.scale = float(a.verdict->grad_scale);
  return a.verdict->finite != 0;
}

// One parameter; every array's element is passed by reference, so that both rows share the arithmetic.
__device__ __forceinline__ void step(const Adam& a, float grad, float& p, float& m, float& v, float& ema) {
  const float g = a.scale * grad + a.coupled * p;
  m = a.beta1 * m + a.rest1 * g;
  v = a.beta2 * v + a.rest2 * g * g;
  p = p - a.shrink * p - a.rate * m / (sqrtf(v) * a.root + a.eps);
  ema = a.decay * ema + a.rest * p;
}

__device__ __forceinline__ void step_at(const Adam& a, int64_t i) {
  float p = a.p[i], m = a.m[i], v = a.v[i], ema = a.ema ? a.ema[i] : 0;
  step(a, a.g[i], p, m, v, ema);
  a.p[i] = p;
  a.m[i] = m;
  a.v[i] = v;
  if (a.ema) a.ema[i] = ema;
}

// naive: one thread per parameter.
__global__ void __launch_bounds__(kThreads) adam_per_element(Adam a, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n && ready(a)) step_at(a, i);
}

// vector: four parameters per thread, 16-byte loads and stores.
__global__ void __launch_bounds__(kThreads, 4) adam_per_vector(Adam a, int64_t n) {
  const int64_t i = (int64_t(blockIdx.x) * kThreads + threadIdx.x) * 4;
  if (!ready(a)) return;
  if (i + 4 > n) {
    for (int64_t k = i; k < n; ++k) step_at(a, k);
    return;
  }
  const Vector<float> g = load_vector(a.g + i);
  Vector<float> p = load_vector(a.p + i), m = load_vector(a.m + i), v = load_vector(a.v + i), ema = a.ema ? load_vector(a.ema + i) : p;
#pragma unroll
  for (int k = 0; k < 4; ++k) step(a, g.at[k], p.at[k], m.at[k], v.at[k], ema.at[k]);
  store_vector(a.p + i, p);
  store_vector(a.m + i, m);
  store_vector(a.v + i, v);
  if (a.ema) store_vector(a.ema + i, ema);
}

Adam constants(const AdamStep& a) {
  const AdamRates now = adam_rates(a);
  return {static_cast<float*>(a.p), static_cast<float*>(a.m), static_cast<float*>(a.v), static_cast<float*>(a.ema), static_cast<const float*>(a.g),
          float(a.beta1), float(1 - a.beta1), float(a.beta2), float(1 - a.beta2), float(now.rate), float(now.root), float(a.eps),
          float(a.grad_scale), float(a.decoupled ? 0 : a.weight_decay), float(now.shrink), float(a.ema_decay), float(1 - a.ema_decay),
          a.rates, a.verdict};
}

__global__ void __launch_bounds__(kThreads) sgd(float* p, const float* g, float* buffer, int64_t n, float lr, float momentum, float decay, float scale) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  float move = scale * g[i] + decay * p[i];
  if (buffer) {
    move += momentum * buffer[i];
    buffer[i] = move;
  }
  p[i] = p[i] - lr * move;
}

__global__ void __launch_bounds__(kThreads) average(float* ema, const float* p, int64_t n, float decay, float rest, const StepVerdict* verdict) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n && (!verdict || verdict->finite != 0)) ema[i] = decay * ema[i] + rest * p[i];
}

struct Square {
  const float* x;
  __device__ double operator()(int64_t, int64_t i, int64_t) const { return double(x[i]) * double(x[i]); }
};
struct Store {
  double* to;
  __device__ void operator()(int64_t, double sum) const { *to = sum; }
};

}  // namespace

void adam_step_naive(const Context& context, const AdamStep& a) {
  launch({blocks_for(a.n, kThreads), kThreads, 0, context.stream}, adam_per_element, constants(a), a.n);
}
void adam_step_vector(const Context& context, const AdamStep& a) {
  launch({blocks_for(a.n, kThreads * 4), kThreads, 0, context.stream}, adam_per_vector, constants(a), a.n);
}

void sgd_step_naive(const Context& context, const SgdStep& a) {
  launch({blocks_for(a.n, kThreads), kThreads, 0, context.stream}, sgd, static_cast<float*>(a.p), static_cast<const float*>(a.g),
         static_cast<float*>(a.buffer), a.n, float(a.lr), float(a.momentum), float(a.weight_decay), float(a.grad_scale));
}

void ema_update_naive(const Context& context, const EmaUpdate& a) {
  launch({blocks_for(a.n, kThreads), kThreads, 0, context.stream}, average, static_cast<float*>(a.ema), static_cast<const float*>(a.p), a.n,
         float(a.decay), float(1 - a.decay), a.verdict);
}

void sum_squares_pieces(const Context& context, const SumSquares& a) {
  column_sums(context, 1, a.n, 1, Square{static_cast<const float*>(a.x)}, Store{a.out});
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
