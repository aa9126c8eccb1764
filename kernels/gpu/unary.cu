// Elementwise functions. Floor: read x (and gy), write y once; a few dozen instructions per element hide behind that.
#include "kernels/unary.h"

#include "kernels/gpu/vector.h"
#include "kernels/unary_math.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

struct DeviceMath {
  using V = float;
  using S = float;
  static constexpr bool kLibm = true;
  static constexpr double kHalfTurns = 0.31830988618379067154;  // per radian
  static __host__ __device__ float abs(float x) { return fabsf(x); }
  static __host__ __device__ float sqrt(float x) { return sqrtf(x); }
  static __host__ __device__ float exp(float x) { return expf(x); }
  static __host__ __device__ float log(float x) { return logf(x); }
  static __host__ __device__ float log1p_unit(float x) { return log1pf(x); }
  static __host__ __device__ float tanh(float x) { return tanhf(x); }
  static __host__ __device__ float one_plus_erf(float x) { return erfcf(-x); }
  // sinf keeps a table for huge arguments on the stack of every kernel it is in; in half turns there is nothing to look up.
  static __host__ __device__ float sin(float x) { return float(sinpi(double(x) * kHalfTurns)); }
  static __host__ __device__ float cos(float x) { return float(cospi(double(x) * kHalfTurns)); }
  static __host__ __device__ float pow(float x, float p) { return powf(x, p); }
};
using Math = UnaryMath<DeviceMath>;

constexpr int kThreads = 256;

template <class T>
struct Elements {
  UnaryOp op;
  Math::Params params;
  int order;
  const T *x, *gy;  // gy null: forward
  T* y;
  int64_t n;
};

template <class F, class T>
__device__ __forceinline__ T value(const Elements<T>& e, T x, T gy) {
  const float v = float(x), d = e.order == 0 ? F::f(v, e.params) : e.order == 1 ? F::df(v, e.params) : F::ddf(v, e.params);
  return T(e.gy ? float(gy) * d : d);
}

// naive: one thread per element.
template <class T>
__global__ void __launch_bounds__(kThreads) per_element(Elements<T> e) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= e.n) return;
  const T x = e.x[i], gy = e.gy ? e.gy[i] : x;
  Math::visit(e.op, [&]<class F>() { e.y[i] = value<F>(e, x, gy); });
}

// vector: one thread per 16 bytes; the switch over functions is taken once per vector. The last, cut vector goes by elements.
template <class T>
__global__ void __launch_bounds__(kThreads) per_vector(Elements<T> e) {
  constexpr int kWidth = Vector<T>::kWidth;
  const int64_t i = (int64_t(blockIdx.x) * kThreads + threadIdx.x) * kWidth;
  if (i >= e.n) return;
  if (i + kWidth <= e.n) {
    const Vector<T> x = load_vector(e.x + i), gy = e.gy ? load_vector(e.gy + i) : x;
    Math::visit(e.op, [&]<class F>() {
      Vector<T> y;
#pragma unroll
      for (int k = 0; k < kWidth; ++k) y.at[k] = value<F>(e, x.at[k], gy.at[k]);
      store_vector(e.y + i, y);
    });
    return;
  }
  for (int64_t k = i; k < e.n; ++k) {
    const T x = e.x[k], gy = e.gy ? e.gy[k] : x;
    Math::visit(e.op, [&]<class F>() { e.y[k] = value<F>(e, x, gy); });
  }
}

template <class Args>
void run(const Context& context, const Args& a, int order, const void* gy, void* y, bool vectors) {
  visit_f32_or_bf16(a.dtype, "unary", [&]<class T>() {
    const Elements<T> e{a.op, {float(a.params.a), float(a.params.b)}, order, static_cast<const T*>(a.x), static_cast<const T*>(gy), static_cast<T*>(y), a.n};
    if (vectors) launch({blocks_for(a.n, kThreads * Vector<T>::kWidth), kThreads, 0, context.stream}, per_vector<T>, e);
    else launch({blocks_for(a.n, kThreads), kThreads, 0, context.stream}, per_element<T>, e);
  });
}

}  // namespace

void unary_fwd_naive(const Context& c, const UnaryFwd& a) { run(c, a, a.order, nullptr, a.y, false); }
void unary_fwd_vector(const Context& c, const UnaryFwd& a) { run(c, a, a.order, nullptr, a.y, true); }
void unary_bwd_naive(const Context& c, const UnaryBwd& a) { run(c, a, a.order + 1, a.gy, a.gx, false); }
void unary_bwd_vector(const Context& c, const UnaryBwd& a) { run(c, a, a.order + 1, a.gy, a.gx, true); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
