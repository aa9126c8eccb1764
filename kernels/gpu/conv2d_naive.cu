// Rung 1 of the convolutions, "naive": one thread per output, any shape. docs/ladder.md has the climb.
//
// FLOPs 2 pixels o taps c / groups. Bytes: two elements per multiply-add, without reuse. Prediction: limited by the L1 cache, as in the naive
// matmul; neighbouring threads share the pixel and read weights a line apart (forward), or share the weight's line (input gradient).
// Depthwise convolutions have nothing to reuse and stay with these kernels. Measured: not run on a GPU.
#include "kernels/gpu/conv2d_run.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads) forward_naive(Conv2dFwd p) {
  const ConvShape s = p.shape;
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= s.n * s.out_h * s.out_w * s.o) return;
  const int64_t o = i % s.o, x0 = i / s.o % s.out_w * s.stride_w - s.left, y0 = i / s.o / s.out_w % s.out_h * s.stride_h - s.top;
  const int64_t n = i / s.o / s.out_w / s.out_h, c = s.c / s.groups, first_c = o / (s.o / s.groups) * c;
  const T *x = static_cast<const T*>(p.x), *w = static_cast<const T*>(p.w) + o * s.kh * s.kw * c, *bias = static_cast<const T*>(p.bias);
  float sum = bias ? float(bias[o]) : 0.0f;
  for (int64_t r = 0; r < s.kh; ++r) {
    const int64_t iy = y0 + r * s.dilation_h;
    if (iy < 0 || iy >= s.h) continue;
    for (int64_t k = 0; k < s.kw; ++k) {
      const int64_t ix = x0 + k * s.dilation_w;
      if (ix < 0 || ix >= s.w) continue;
      const T *px = x + ((n * s.h + iy) * s.w + ix) * s.c + first_c, *pw = w + (r * s.kw + k) * c;
      for (int64_t j = 0; j < c; ++j) sum += float(px[j]) * float(pw[j]);
    }
  }
  if (p.residual) sum += float(static_cast<const T*>(p.residual)[i]);
  static_cast<T*>(p.y)[i] = T(sum);
}

// The output position that a tap `back` positions after position i links it to, or -1.
__device__ __forceinline__ int64_t linked(int64_t i, int64_t back, int64_t stride, int64_t count) {
  const int64_t at = i - back;
  return at >= 0 && at % stride == 0 && at / stride < count ? at / stride : -1;
}

template <class T>
__global__ void __launch_bounds__(kThreads) dgrad_naive(Conv2dDgrad p) {
  const ConvShape s = p.shape;
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= s.n * s.h * s.w * s.c) return;
  const int64_t channel = i % s.c, ix = i / s.c % s.w, iy = i / s.c / s.w % s.h, n = i / s.c / s.w / s.h;
  const int64_t c = s.c / s.groups, o = s.o / s.groups, group = channel / c, taps = s.kh * s.kw;
  const T *gy = static_cast<const T*>(p.gy) + group * o, *w = static_cast<const T*>(p.w) + group * o * taps * c + channel % c;
  const T* bias = static_cast<const T*>(p.bias);
  float sum = bias ? float(bias[channel]) : 0.0f;
  for (int64_t r = 0; r < s.kh; ++r) {
    const int64_t oy = linked(iy, r * s.dilation_h - s.top, s.stride_h, s.out_h);
    if (oy < 0) continue;
    for (int64_t k = 0; k < s.kw; ++k) {
      const int64_t ox = linked(ix, k * s.dilation_w - s.left, s.stride_w, s.out_w);
      if (ox < 0) continue;
      const T *pg = gy + ((n * s.out_h + oy) * s.out_w + ox) * s.o, *pw = w + (r * s.kw + k) * c;
      for (int64_t j = 0; j < o; ++j) sum += float(pg[j]) * float(pw[j * taps * c]);
    }
  }
  static_cast<T*>(p.gx)[i] = T(sum);
}

// A thread per weight and range of pixels; the ranges are added in order afterwards.
template <class T>
__global__ void __launch_bounds__(kThreads) wgrad_naive(Conv2dWgrad p, Split split, float* partial) {
  const ConvShape s = p.shape;
  const int64_t c = s.c / s.groups, weights = s.o * s.kh * s.kw * c;
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= weights) return;
  const int64_t j = i % c, k = i / c % s.kw, r = i / c / s.kw % s.kh, o = i / c / s.kw / s.kh;
  const T* x = static_cast<const T*>(p.x) + o / (s.o / s.groups) * c + j;
  const T* gy = static_cast<const T*>(p.gy) + o;
  const int64_t begin = int64_t(blockIdx.y) * split.depth, pixels = s.n * s.out_h * s.out_w;
  const int64_t end = begin + split.depth < pixels ? begin + split.depth : pixels;
  float sum = 0;
  for (int64_t at = begin; at < end; ++at) {
    const int64_t ix = at % s.out_w * s.stride_w + k * s.dilation_w - s.left, line = at / s.out_w;
    const int64_t iy = line % s.out_h * s.stride_h + r * s.dilation_h - s.top;
    if (ix < 0 || ix >= s.w || iy < 0 || iy >= s.h) continue;
    sum += float(gy[at * s.o]) * float(x[((line / s.out_h * s.h + iy) * s.w + ix) * s.c]);
  }
  partial[blockIdx.y * weights + i] = sum;
}

}  // namespace

void conv2d_fwd_naive(const Context& context, const Conv2dFwd& p) {
  const ConvShape& s = p.shape;
  visit_f32_or_bf16(p.dtype, "conv2d_fwd", [&]<class T>() {
    launch({blocks_for(s.n * s.out_h * s.out_w * s.o, kThreads), kThreads, 0, context.stream}, forward_naive<T>, p);
  });
}

void conv2d_dgrad_naive(const Context& context, const Conv2dDgrad& p) {
  const ConvShape& s = p.shape;
  visit_f32_or_bf16(p.dtype, "conv2d_dgrad", [&]<class T>() {
    launch({blocks_for(s.n * s.h * s.w * s.c, kThreads), kThreads, 0, context.stream}, dgrad_naive<T>, p);
  });
}

void conv2d_wgrad_naive(const Context& context, const Conv2dWgrad& p) {
  visit_f32_or_bf16(p.dtype, "conv2d_wgrad", [&]<class T>() {
    run_conv2d<T, 1, kThreads>(context, p, [&](const auto& problem) {
      const int64_t weights = int64_t(problem.m) * problem.n * problem.batch;
      launch({{blocks_for(weights, kThreads), unsigned(problem.splits)}, kThreads, 0, context.stream}, wgrad_naive<T>, p,
             Split{problem.splits, problem.split_depth}, problem.c.data);
    });
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
