// PReLU. Floor: x read once and y written once; backward reads x and gy, writes gx.
#include "kernels/prelu.h"

#include "kernels/gpu/column_sums.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// y = v where x > 0, else slope[c] v: the forward with v = x, the input gradient with v = gy.
template <class T>
__global__ void __launch_bounds__(kThreads) gate(const T* x, const T* v, const T* slope, T* y, int64_t n, int64_t c) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) y[i] = float(x[i]) > 0 ? v[i] : T(float(slope[i % c]) * float(v[i]));
}

template <class T>
struct SlopeGradient {
  const T *x, *gy;
  int64_t c;
  __device__ double operator()(int64_t, int64_t row, int64_t i) const {
    const float v = float(x[row * c + i]);
    return v > 0 ? 0.0 : double(float(gy[row * c + i])) * v;
  }
};
template <class T>
struct Store {
  T* to;
  __device__ void operator()(int64_t i, double sum) const { to[i] = T(float(sum)); }
};

}  // namespace

void prelu_fwd_naive(const Context& context, const PreluFwd& p) {
  visit_f32_or_bf16(p.dtype, "prelu_fwd", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    launch({blocks_for(p.rows * p.c, kThreads), kThreads, 0, context.stream}, gate<T>, x, x, static_cast<const T*>(p.slope), static_cast<T*>(p.y),
           p.rows * p.c, p.c);
  });
}

void prelu_bwd_naive(const Context& context, const PreluBwd& p) {
  visit_f32_or_bf16(p.dtype, "prelu_bwd", [&]<class T>() {
    const T *x = static_cast<const T*>(p.x), *gy = static_cast<const T*>(p.gy);
    if (p.gx)
      launch({blocks_for(p.rows * p.c, kThreads), kThreads, 0, context.stream}, gate<T>, x, gy, static_cast<const T*>(p.slope), static_cast<T*>(p.gx),
             p.rows * p.c, p.c);
    if (p.gslope) column_sums(context, 1, p.rows, p.c, SlopeGradient<T>{x, gy, p.c}, Store<T>{static_cast<T*>(p.gslope)});
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
