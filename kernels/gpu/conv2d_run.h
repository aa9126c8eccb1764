// Runs a rung on the problem that a convolution is. For the weight gradient: the sum over pixels in fixed ranges, the ranges added in
// order, and the bias gradient.
#pragma once
#include "kernels/base/device_runtime.h"
#include "kernels/conv2d.h"
#include "kernels/gpu/column_sums.h"
#include "kernels/gpu/conv2d_problem.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// Into how many ranges the sum over `pixels` is cut when one range occupies `blocks` blocks: enough to give each of an H200's 132
/// multiprocessors two, but none shorter than 256 pixels unless that leaves fewer than two ranges. Fixed by the shape alone, so the
/// result does not depend on the device.
struct Split {
  int count, depth;  // depth: pixels of a range, a multiple of kSplitUnit
};
constexpr Split split_of(int64_t pixels, int64_t blocks) {
  const int64_t wanted = (264 + blocks - 1) / blocks, most = pixels >= 512 ? pixels / 256 : 2;
  const int64_t count = wanted < most ? wanted : most;
  const int64_t depth = ((pixels + count - 1) / count + kSplitUnit - 1) / kSplitUnit * kSplitUnit;
  return {depth > 0 ? int((pixels + depth - 1) / depth) : 1, int(depth > 0 ? depth : kSplitUnit)};
}

namespace conv2d_detail {

inline constexpr int kSumThreads = 256;

template <class T>
__global__ void __launch_bounds__(kSumThreads) add_ranges(const float* partial, T* gw, int64_t n, int ranges) {
  const int64_t i = int64_t(blockIdx.x) * kSumThreads + threadIdx.x;
  if (i >= n) return;
  float sum = 0;
  for (int r = 0; r < ranges; ++r) sum += partial[r * n + i];
  gw[i] = T(sum);
}

template <class T>
struct BiasElement {
  const T* gy;
  int64_t o;
  __device__ double operator()(int64_t, int64_t pixel, int64_t channel) const { return double(float(gy[pixel * o + channel])); }
};
template <class T>
struct BiasFinish {
  T* gbias;
  __device__ void operator()(int64_t channel, double sum) const { gbias[channel] = T(float(sum)); }
};

}  // namespace conv2d_detail

/// gbias = sum of gy over pixels.
template <class T>
void bias_gradient(const Context& context, const Conv2dWgrad& p) {
  if (!p.gbias) return;
  const ConvShape& s = p.shape;
  column_sums(context, 1, s.n * s.out_h * s.out_w, s.o, conv2d_detail::BiasElement<T>{static_cast<const T*>(p.gy), s.o},
              conv2d_detail::BiasFinish<T>{static_cast<T*>(p.gbias)});
}

/// Runs launch_ranges(split, partial), which leaves the sum of each range in partial [split.count][o, kh, kw, c / groups], and adds the
/// ranges; then the bias. `pixels` may count padding; one range occupies `blocks` blocks.
template <class T, class LaunchRanges>
void split_wgrad(const Context& context, const Conv2dWgrad& p, int64_t pixels, int64_t blocks, LaunchRanges&& launch_ranges) {
  const ConvShape& s = p.shape;
  if (p.gw) {
    const int64_t n = s.o * s.kh * s.kw * (s.c / s.groups);
    const Split split = split_of(pixels, blocks);
    const DeviceBlock partial(context.device, size_t(split.count) * size_t(n) * sizeof(float), context.stream);
    float* sums = static_cast<float*>(partial.data());
    launch_ranges(split, sums);
    launch({blocks_for(n, conv2d_detail::kSumThreads), conv2d_detail::kSumThreads, 0, context.stream}, conv2d_detail::add_ranges<T>,
           static_cast<const float*>(sums), static_cast<T*>(p.gw), n, split.count);
  }
  bias_gradient<T>(context, p);
}

/// Runs `launch_rung`(problem), whose blocks make kRows x kColumns outputs, for any of the three.
template <class T, int kRows, int kColumns, class LaunchRung>
void run_conv2d(const Context&, const Conv2dFwd& p, LaunchRung&& launch_rung) {
  launch_rung(conv2d_problem<T>(p));
}
/// The forward convolution of a rung that reviews its tiles.
template <class T, int kRows, class LaunchRung>
void run_conv2d_with_moments(const Context& context, const Conv2dFwd& p, LaunchRung&& launch_rung) {
  const ConvShape& s = p.shape;
  const int64_t pixels = s.out_h * s.out_w;
  const ResultSums sums(context, s.n, pixels / kRows, pixels, s.o);
  launch_rung(conv2d_problem<T>(p, sums.data()));
  sums.to(context, p.moments);
}
template <class T, int kRows, int kColumns, class LaunchRung>
void run_conv2d(const Context&, const Conv2dDgrad& p, LaunchRung&& launch_rung) {
  launch_rung(conv2d_problem<T>(p));
}
template <class T, int kRows, int kColumns, class LaunchRung>
void run_conv2d(const Context& context, const Conv2dWgrad& p, LaunchRung&& launch_rung) {
  const ConvShape& s = p.shape;
  const int64_t columns = s.kh * s.kw * (s.c / s.groups), blocks = blocks_for(s.o / s.groups, kRows) * int64_t(blocks_for(columns, kColumns)) * s.groups;
  split_wgrad<T>(context, p, s.n * s.out_h * s.out_w, blocks,
                 [&](Split split, float* partial) { launch_rung(conv2d_problem<T>(p, split.count, split.depth, partial)); });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
