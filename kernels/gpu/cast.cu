// Between f32 and bf16. Floor: six bytes an element.
#include "kernels/cast.h"

#include "kernels/simt/pack.h"
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256, kWidth = 8;

template <class From, class To>
__global__ void __launch_bounds__(kThreads) one_each(const From* x, To* y, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) y[i] = To(float(x[i]));
}

// Eight: one access on the side of bf16, two on that of f32.
template <class From, class To>
__global__ void __launch_bounds__(kThreads) eight_each(const From* x, To* y, int64_t n) {
  const int64_t i = (int64_t(blockIdx.x) * kThreads + threadIdx.x) * kWidth;
  if (i + kWidth > n) {
    for (int64_t k = i; k < n; ++k) y[k] = To(float(x[k]));
    return;
  }
  constexpr int kIn = 16 / int(sizeof(From)), kOut = 16 / int(sizeof(To));
  float v[kWidth];
#pragma unroll
  for (int k = 0; k < kWidth; k += kIn) {
    const Pack<From, kIn> p = load_pack<kIn>(x + i + k);
#pragma unroll
    for (int j = 0; j < kIn; ++j) v[k + j] = float(p[j]);
  }
#pragma unroll
  for (int k = 0; k < kWidth; k += kOut) {
    Pack<To, kOut> p;
#pragma unroll
    for (int j = 0; j < kOut; ++j) p[j] = To(v[k + j]);
    store_pack(y + i + k, p);
  }
}

template <class F>
void visit_direction(const Cast& c, F&& f) {
  if (c.from == DType::f32) f(static_cast<const float*>(c.x), static_cast<bf16*>(c.y));
  else f(static_cast<const bf16*>(c.x), static_cast<float*>(c.y));
}

}  // namespace

void cast_naive(const Context& context, const Cast& c) {
  visit_direction(c, [&]<class From, class To>(const From* x, To* y) {
    launch({blocks_for(c.n, kThreads), kThreads, 0, context.stream}, one_each<From, To>, x, y, c.n);
  });
}

void cast_vector(const Context& context, const Cast& c) {
  visit_direction(c, [&]<class From, class To>(const From* x, To* y) {
    launch({blocks_for(c.n, kThreads * kWidth), kThreads, 0, context.stream}, eight_each<From, To>, x, y, c.n);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
