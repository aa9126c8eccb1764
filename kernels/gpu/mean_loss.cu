// Means of a pointwise distance. Floor: a and b read once; the backward also writes one or two gradients.
#include "kernels/mean_loss.h"

#include "kernels/gpu/column_sums.h"
#include "kernels/mean_loss_math.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

struct Root {
  __host__ __device__ float operator()(float v) const { return sqrtf(v); }
};

template <class T>
struct Distance {
  MeanLossKind kind;
  float param;
  const T *a, *b;
  __device__ double operator()(int64_t, int64_t i, int64_t) const { return loss_distance(kind, float(a[i]) - float(b[i]), param, Root{}); }
};
template <class T>
struct StoreMean {
  T* y;
  double n;
  __device__ void operator()(int64_t, double sum) const { *y = T(float(sum / n)); }
};

// naive: one block walks everything.
template <class T>
__global__ void __launch_bounds__(kThreads) one_block(Distance<T> distance, StoreMean<T> store, int64_t n) {
  KIN_SHARED(double, sums, [kThreads]);
  const int t = int(threadIdx.x);
  double sum = 0;
  for (int64_t i = t; i < n; i += kThreads) sum += distance(0, i, 0);
  sums[t] = sum;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t < half) sums[t] += sums[t + half];
  }
  if (t == 0) store(0, sums[0]);
}

template <class T>
__global__ void __launch_bounds__(kThreads) slopes(MeanLossKind kind, float param, const T* a, const T* b, const T* gy, T* ga, T* gb, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const float v = float(double(float(*gy)) / double(n)) * loss_slope(kind, float(a[i]) - float(b[i]), param, Root{});
  if (ga) ga[i] = T(v);
  if (gb) gb[i] = T(-v);
}

void forward(const Context& context, const MeanLossFwd& p, bool pieces) {
  visit_f32_or_bf16(p.dtype, "mean_loss_fwd", [&]<class T>() {
    const Distance<T> distance{p.kind, float(p.param), static_cast<const T*>(p.a), static_cast<const T*>(p.b)};
    const StoreMean<T> store{static_cast<T*>(p.y), double(p.n)};
    if (pieces) column_sums(context, 1, p.n, 1, distance, store);
    else launch({1, kThreads, 0, context.stream}, one_block<T>, distance, store, p.n);
  });
}

}  // namespace

void mean_loss_fwd_naive(const Context& context, const MeanLossFwd& p) { forward(context, p, false); }
void mean_loss_fwd_pieces(const Context& context, const MeanLossFwd& p) { forward(context, p, true); }

void mean_loss_bwd_naive(const Context& context, const MeanLossBwd& p) {
  visit_f32_or_bf16(p.dtype, "mean_loss_bwd", [&]<class T>() {
    launch({blocks_for(p.n, kThreads), kThreads, 0, context.stream}, slopes<T>, p.kind, float(p.param), static_cast<const T*>(p.a),
           static_cast<const T*>(p.b), static_cast<const T*>(p.gy), static_cast<T*>(p.ga), static_cast<T*>(p.gb), p.n);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
