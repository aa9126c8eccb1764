// Nearest 2x and a 3x3 convolution as four 2x2 convolutions of x, one per parity of the output pixel ("phase" 2 a + b for rows of parity a and columns of
// parity b), as one implicit product with four members. Each member writes every second pixel of every second line.
#pragma once
#include "kernels/base/device_runtime.h"
#include "kernels/conv2d_up2.h"
#include "kernels/gpu/conv2d_problem.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// The windows of x: phase (a, b) begins a lines further down and b columns further right than phase 0.
template <class T>
struct PhaseWindows : WindowOperand<T> {
  __device__ void select(int phase) {
    this->first_y += phase / 2;
    this->first_x += phase % 2;
  }
};

/// Row r of a phase's result is a pixel of x; this is where it stands in y.
template <class T>
struct PhaseResult {
  MatrixResult<T> y;
  FastDivisor width;  // of x
  int first = 0;

  __device__ void select(int phase, int) { first = phase / 2 * 2 * int(width.divisor) + phase % 2; }
  __device__ int pixel(int r) const {
    const int line = width.quotient(r);
    return 4 * int(width.divisor) * line + 2 * width.remainder(r, line) + first;
  }
  __device__ void store(int r, int column, float v) const { y.store(pixel(r), column, v); }
  __device__ void store_pair(int r, int column, int left, float v0, float v1) const { y.store_pair(pixel(r), column, left, v0, v1); }
};

/// The same in tiles that lie within one image of x, each of which leaves sums for the moments of y: those of an image of y are its four phases'.
template <class T>
struct PhaseResultWithSums : PhaseResult<T> {
  TileSums* sums = nullptr;  // [n, 4, pixels of x / kRows, columns / 2]
  int pixels = 0;            // of an image of x
  int phase = 0;

  __device__ void select(int p, int split) {
    phase = p;
    PhaseResult<T>::select(p, split);
  }
  template <int kRows, int kColumns, int kThreads>
  __device__ void review(int row0, int column0) const {
    const int columns = int(this->y.pitch), tiles = pixels / kRows, image = row0 / pixels, tile = row0 % pixels / kRows;
    const auto line = [=, this](int r) { return this->y.data + int64_t(this->pixel(row0 + r)) * columns + column0; };
    sum_stored_tile<T, kColumns, kThreads>(kRows, kRows, columns - column0, line, [] { __syncthreads(); }, int(threadIdx.x),
                                           sums + (int64_t(image * 4 + phase) * tiles + tile) * (columns / 2) + column0 / 2);
  }
};

namespace conv2d_detail {

inline constexpr int kPhaseThreads = 256;

// to[phase][o][2][2][c]: the rows of w that fall on tap t of parity a are t (1 + a) and, where a != t, the next; columns likewise. Summed in f32.
template <class T>
__global__ void __launch_bounds__(kPhaseThreads) sum_phase_weights(const T* w, T* to, int64_t n, int64_t c, int64_t o) {
  const int64_t i = int64_t(blockIdx.x) * kPhaseThreads + threadIdx.x;
  if (i >= n) return;
  const int64_t channel = i % c, tap = i / c % 4, output = i / c / 4 % o;
  const int phase = int(i / c / 4 / o), u = int(tap / 2), v = int(tap % 2), a = phase / 2, b = phase % 2;
  float sum = 0;
  for (int r = u * (1 + a); r <= u * (1 + a) + (a != u); ++r)
    for (int s = v * (1 + b); s <= v * (1 + b) + (b != v); ++s) sum += float(w[(output * 9 + r * 3 + s) * c + channel]);
  to[i] = T(sum);
}

}  // namespace conv2d_detail

/// The summed weights of the four phases, [4][o][2][2][c].
template <class T>
class PhaseWeights {
 public:
  PhaseWeights(const Context& context, const Conv2dUp2Fwd& p) : step_(p.o * 4 * p.c), block_(context.device, size_t(4 * step_) * sizeof(T), context.stream) {
    using namespace conv2d_detail;
    launch({blocks_for(4 * step_, kPhaseThreads), kPhaseThreads, 0, context.stream}, sum_phase_weights<T>, static_cast<const T*>(p.weight),
           static_cast<T*>(block_.data()), 4 * step_, p.c, p.o);
  }
  const T* of(int phase) const { return static_cast<const T*>(block_.data()) + phase * step_; }

 private:
  int64_t step_;
  DeviceBlock block_;
};

/// Phase (a, b) as a convolution, but for where its results go.
inline ConvShape shape_of_phase(const Conv2dUp2Fwd& p, int phase) {
  ConvShape s;
  s.n = p.n, s.h = s.out_h = p.h, s.w = s.out_w = p.w, s.c = p.c, s.o = p.o;
  s.kh = s.kw = 2;
  s.top = 1 - phase / 2;
  s.left = 1 - phase % 2;
  return s;
}

template <class T, class Result = PhaseResult<T>>
using Conv2dUp2Problem = Product<PhaseWindows<T>, MatrixOperand<T, true>, Result>;

template <class T>
Conv2dUp2Problem<T> conv2d_up2_problem(const Conv2dUp2Fwd& p, const PhaseWeights<T>& weights) {
  const int64_t depth = 4 * p.c;
  const PhaseWindows<T> x{windows_of_x<T>(shape_of_phase(p, 0), p.x)};
  MatrixOperand<T, true> w;
  w.data = weights.of(0);
  w.pitch = depth;
  w.batch_step = p.o * depth;
  w.rows = int(p.o);
  w.depths = int(depth);
  w.matrix_depth = FastDivisor(depth);
  PhaseResult<T> y;
  y.y.data = static_cast<T*>(p.y);
  y.y.bias = static_cast<const T*>(p.bias);
  y.y.pitch = p.o;
  y.y.allow_pairs();
  y.width = FastDivisor(p.w);
  return {x, w, y, x.rows, int(p.o), int(depth), 4, 1, conv2d_detail::whole_range(int(depth))};
}
template <class T>
Conv2dUp2Problem<T, PhaseResultWithSums<T>> conv2d_up2_problem(const Conv2dUp2Fwd& p, const PhaseWeights<T>& weights, TileSums* sums) {
  const Conv2dUp2Problem<T> v = conv2d_up2_problem<T>(p, weights);
  return {v.a, v.b, {v.c, sums, int(p.h * p.w)}, v.m, v.n, v.k, v.batch, v.splits, v.split_depth};
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
