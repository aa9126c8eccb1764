// The three convolutions as implicit products, one per group of channels:
//   forward   y  [pixels of y, o]    = windows of x [pixels of y, (tap, c)]    x  w [o, (tap, c)]
//   dgrad     gx [pixels of x, c]    = windows of gy [pixels of x, (tap, o)]   x  w [c, (tap, o)]
//   wgrad     gw [o, (tap, c)]       = gy [o, pixels of y]                     x  windows of x, transposed
// With a stride most positions under dgrad's windows hold no data and are multiplied as zeros; the cpu row that splits it into
// phases does not.
#pragma once
#include "kernels/conv2d.h"
#include "kernels/gpu/conv2d_moments.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

template <class T, class Finish = Unfinished>
using Conv2dFwdProblem = Product<WindowOperand<T>, MatrixOperand<T, true>, MatrixResult<T, Finish>>;
template <class T>
using Conv2dFwdProblemWithSums = Product<WindowOperand<T>, MatrixOperand<T, true>, RowsWithSums<T>>;
template <class T>
using Conv2dDgradProblem = Product<WindowOperand<T>, MatrixOperand<T, false>, MatrixResult<T>>;
template <class T>
using Conv2dWgradProblem = Product<MatrixOperand<T, false>, Transposed<WindowOperand<T>>, MatrixResult<float>>;

namespace conv2d_detail {
inline int whole_range(int depth) { return (depth + kSplitUnit - 1) / kSplitUnit * kSplitUnit; }
}  // namespace conv2d_detail

/// The windows of x under the pixels of y.
template <class T>
WindowOperand<T> windows_of_x(const ConvShape& s, const void* x) {
  WindowOperand<T> v;
  const int64_t c = s.c / s.groups;
  v.data = static_cast<const T*>(x);
  v.h = int(s.h);
  v.w = int(s.w);
  v.pitch = int(s.c);
  v.batch_step = int(c);
  v.row_step_y = int(s.stride_h);
  v.row_step_x = int(s.stride_w);
  v.first_y = -int(s.top);
  v.first_x = -int(s.left);
  v.tap_step_y = int(s.dilation_h);
  v.tap_step_x = int(s.dilation_w);
  v.result_h = FastDivisor(s.out_h);
  v.result_w = FastDivisor(s.out_w);
  v.channels = FastDivisor(c);
  v.taps_w = FastDivisor(s.kw);
  v.rows = int(s.n * s.out_h * s.out_w);
  v.depths = int(s.kh * s.kw * c);
  return v;
}

template <class T, class Finish = Unfinished>
Conv2dFwdProblem<T, Finish> conv2d_problem(const Conv2dFwd& p, Finish finish = {}) {
  const ConvShape& s = p.shape;
  const int64_t o = s.o / s.groups, depth = s.kh * s.kw * (s.c / s.groups);
  MatrixOperand<T, true> w;
  w.data = static_cast<const T*>(p.w);
  w.pitch = depth;
  w.batch_step = o * depth;
  w.rows = int(o);
  w.depths = int(depth);
  w.matrix_depth = FastDivisor(depth);
  MatrixResult<T, Finish> y{.finish = finish};
  y.data = static_cast<T*>(p.y);
  y.bias = static_cast<const T*>(p.bias);
  y.residual = static_cast<const T*>(p.residual);
  y.pitch = s.o;
  y.batch_step = o;
  y.bias_step = int(o);
  y.allow_pairs();
  const WindowOperand<T> x = windows_of_x<T>(s, p.x);
  return {x, w, y, x.rows, int(o), int(depth), int(s.groups), 1, conv2d_detail::whole_range(int(depth))};
}

/// Without groups of the convolution's own: leaves `sums` as well.
template <class T>
Conv2dFwdProblemWithSums<T> conv2d_problem(const Conv2dFwd& p, TileSums* sums) {
  const Conv2dFwdProblem<T> v = conv2d_problem<T>(p);
  return {v.a, v.b, {v.c, sums}, v.m, v.n, v.k, v.batch, v.splits, v.split_depth};
}

template <class T>
Conv2dDgradProblem<T> conv2d_problem(const Conv2dDgrad& p) {
  const ConvShape& s = p.shape;
  const int64_t c = s.c / s.groups, o = s.o / s.groups, taps = s.kh * s.kw, depth = taps * o;
  WindowOperand<T> gy;
  gy.data = static_cast<const T*>(p.gy);
  gy.h = int(s.out_h);
  gy.w = int(s.out_w);
  gy.pitch = int(s.o);
  gy.batch_step = int(o);
  gy.first_y = int(s.top);
  gy.first_x = int(s.left);
  gy.tap_step_y = -int(s.dilation_h);
  gy.tap_step_x = -int(s.dilation_w);
  gy.every_y = FastDivisor(s.stride_h);
  gy.every_x = FastDivisor(s.stride_w);
  gy.result_h = FastDivisor(s.h);
  gy.result_w = FastDivisor(s.w);
  gy.channels = FastDivisor(o);
  gy.taps_w = FastDivisor(s.kw);
  gy.rows = int(s.n * s.h * s.w);
  gy.depths = int(depth);
  // w[o][tap][c] seen from (tap, o): a stack of `taps` matrices of o lines.
  MatrixOperand<T, false> w;
  w.data = static_cast<const T*>(p.w);
  w.pitch = taps * c;
  w.matrix_step = c;
  w.matrix_depth = FastDivisor(o);
  w.batch_step = o * taps * c;
  w.rows = int(c);
  w.depths = int(depth);
  MatrixResult<T> gx;
  gx.data = static_cast<T*>(p.gx);
  gx.bias = static_cast<const T*>(p.bias);
  gx.pitch = s.c;
  gx.batch_step = c;
  gx.bias_step = int(c);
  gx.allow_pairs();
  return {gy, w, gx, gy.rows, int(c), int(depth), int(s.groups), 1, conv2d_detail::whole_range(int(depth))};
}

/// `partial` receives the result in f32, [splits][o, kh, kw, c / groups]; a kernel with tiles of rows x columns outputs runs it.
template <class T>
Conv2dWgradProblem<T> conv2d_problem(const Conv2dWgrad& p, int splits, int split_depth, float* partial) {
  const ConvShape& s = p.shape;
  const int64_t o = s.o / s.groups, columns = s.kh * s.kw * (s.c / s.groups), pixels = s.n * s.out_h * s.out_w;
  MatrixOperand<T, false> gy;
  gy.data = static_cast<const T*>(p.gy);
  gy.pitch = s.o;
  gy.batch_step = o;
  gy.rows = int(o);
  gy.depths = int(pixels);
  gy.matrix_depth = FastDivisor(pixels);
  MatrixResult<float> gw;
  gw.data = partial;
  gw.pitch = columns;
  gw.batch_step = o * columns;
  gw.split_step = s.o * columns;
  gw.allow_pairs();
  return {gy, {windows_of_x<T>(s, p.x)}, gw, int(o), int(columns), int(pixels), int(s.groups), splits, split_depth};
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
