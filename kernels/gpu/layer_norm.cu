// Layer normalisation over the last axis. Floor: x read once, y written once (a row of some hundred channels stays in the first-level cache
// for the second and third look at it); backward reads x and gy, writes gx.
#include "kernels/layer_norm.h"

#include "kernels/gpu/column_sums.h"
#include "kernels/simt/reduce.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;

template <class T>
__device__ __forceinline__ float parameter(const T* p, int64_t c, float otherwise) { return p ? float(p[c]) : otherwise; }

// warp: one warp per row, neighbouring lanes on neighbouring channels; no shared memory, no barrier.
template <class T>
__global__ void __launch_bounds__(kThreads) forward_per_warp(const T* x, const T* gamma, const T* beta, T* y, float* mean, float* rstd, int64_t rows, int64_t channels, float eps) {
  const int64_t row = int64_t(blockIdx.x) * kWarps + threadIdx.x / 32;
  const int lane = int(threadIdx.x) % 32;
  if (row >= rows) return;
  x += row * channels;
  y += row * channels;
  const float shift = float(x[0]);  // near the mean: sums of x - shift keep their digits where the mean is large
  float sum = 0, squares = 0;
  for (int64_t c = lane; c < channels; c += 32) sum += float(x[c]) - shift;
  const float rest = warp_sum(sum) / float(channels), m = shift + rest;
  for (int64_t c = lane; c < channels; c += 32) {
    const float d = float(x[c]) - shift - rest;
    squares += d * d;
  }
  const float r = 1 / sqrtf(warp_sum(squares) / float(channels) + eps);
  for (int64_t c = lane; c < channels; c += 32) y[c] = T((float(x[c]) - shift - rest) * r * parameter(gamma, c, 1) + parameter(beta, c, 0));
  if (lane == 0) {
    mean[row] = m;
    rstd[row] = r;
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) backward_per_warp(const T* gy, const T* x, const T* gamma, const float* mean, const float* rstd, T* gx, int64_t rows, int64_t channels) {
  const int64_t row = int64_t(blockIdx.x) * kWarps + threadIdx.x / 32;
  const int lane = int(threadIdx.x) % 32;
  if (row >= rows) return;
  const int64_t first = row * channels;
  const float m = mean[row], r = rstd[row];
  float sum = 0, dot = 0;
  for (int64_t c = lane; c < channels; c += 32) {
    const float g = float(gy[first + c]) * parameter(gamma, c, 1);
    sum += g;
    dot += g * (float(x[first + c]) - m) * r;
  }
  sum = warp_sum(sum) / float(channels);
  dot = warp_sum(dot) / float(channels);
  for (int64_t c = lane; c < channels; c += 32)
    gx[first + c] = T(r * (float(gy[first + c]) * parameter(gamma, c, 1) - sum - (float(x[first + c]) - m) * r * dot));
}

template <class T>
struct ParameterSums {
  const T *gy, *x;
  const float *mean, *rstd;
  int64_t channels;
  __device__ SumPair operator()(int64_t, int64_t row, int64_t c) const {
    const double g = float(gy[row * channels + c]);
    return {g, g * ((float(x[row * channels + c]) - mean[row]) * rstd[row])};
  }
};
template <class T>
struct StoreParameters {
  T *ggamma, *gbeta;
  __device__ void operator()(int64_t c, SumPair sum) const {
    if (gbeta) gbeta[c] = T(float(sum.a));
    if (ggamma) ggamma[c] = T(float(sum.b));
  }
};

}  // namespace

void layer_norm_fwd_warp(const Context& context, const LayerNormFwd& a) {
  visit_f32_or_bf16(a.dtype, "layer_norm_fwd", [&]<class T>() {
    launch({blocks_for(a.rows, kWarps), kThreads, 0, context.stream}, forward_per_warp<T>, static_cast<const T*>(a.x), static_cast<const T*>(a.gamma),
           static_cast<const T*>(a.beta), static_cast<T*>(a.y), static_cast<float*>(a.mean), static_cast<float*>(a.rstd), a.rows, a.channels, float(a.eps));
  });
}

void layer_norm_bwd_warp(const Context& context, const LayerNormBwd& a) {
  visit_f32_or_bf16(a.dtype, "layer_norm_bwd", [&]<class T>() {
    const T *gy = static_cast<const T*>(a.gy), *x = static_cast<const T*>(a.x);
    const float *mean = static_cast<const float*>(a.mean), *rstd = static_cast<const float*>(a.rstd);
    if (a.gx)
      launch({blocks_for(a.rows, kWarps), kThreads, 0, context.stream}, backward_per_warp<T>, gy, x, static_cast<const T*>(a.gamma), mean, rstd,
             static_cast<T*>(a.gx), a.rows, a.channels);
    if (a.ggamma || a.gbeta)
      column_sums(context, 1, a.rows, a.channels, ParameterSums<T>{gy, x, mean, rstd, a.channels},
                  StoreParameters<T>{static_cast<T*>(a.ggamma), static_cast<T*>(a.gbeta)});
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
