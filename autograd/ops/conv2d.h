// 2-D convolution and transposed convolution on NHWC images, f32 or f64, on a GPU f32 or bf16. Differentiable without end: forward, input gradient and
// weight gradient are each other's derivatives (kernels/conv2d.h has the equations).
#pragma once
#include "autograd/var.h"
#include "kernels/base/act.h"

namespace kintsugi {

/// Zeros around an image; 0 or more on each side.
struct Padding {
  int top = 0, bottom = 0, left = 0, right = 0;
};
/// The same on all four sides.
constexpr Padding pad_all(int p) { return {p, p, p, p}; }

struct Conv2dOptions {
  int stride = 1;
  Padding pad = {};
  int dilation = 1;
  int groups = 1;
  int norm_groups = 0;  // of the norm that reads the result: inference leaves its moments with it where the kernel can (autograd/ops/group_moments.h)
};

/// x [N,H,W,C], w [O,kh,kw,C/groups], bias [O] or empty -> [N,P,Q,O], P = (H + top + bottom - dilation (kh-1) - 1) / stride + 1, rounded
/// down; Q likewise. Group g maps channels [g C/groups, (g+1) C/groups) to the g-th part of O. residual, of the result's shape or empty,
/// is added to it: conv2d(x, ...) + residual without another pass over memory. Rounds as precision() allows (autograd/precision.h).
/// The result may be written over a residual handed over, or, where a 1x1 convolution has no more channels than x, over x (autograd/reuse.h).
Var conv2d(Var x, const Var& w, const Var& bias = {}, const Conv2dOptions& options = {}, Var residual = {});

/// Group normalisation in front of a convolution; gamma and beta [C].
struct NormBefore {
  const Var &gamma, &beta;
  int groups;
  double eps;
  Act act = Act::none;
};
/// conv2d(group_norm(x, ...), w, ...). Without a graph, on the CPU, x is normalised on its way into the convolution and the map between
/// is never written; on a GPU it is.
Var norm_conv2d(Var x, const NormBefore& norm, const Var& w, const Var& bias = {}, const Conv2dOptions& options = {}, Var residual = {});

/// conv2d(upsample_nearest2x(x), w, bias, {.pad = pad_all(1)}) without the upsampled image (kernels/conv2d_up2.h): x [N,H,W,C],
/// w [O,3,3,C], bias [O] or empty -> [N,2H,2W,O]. norm_groups: as in Conv2dOptions.
Var conv2d_up2(const Var& x, const Var& w, const Var& bias = {}, int norm_groups = 0);

struct Conv2dTransposeOptions {
  int stride = 1;
  Padding pad = {};         // taken away from the result
  int dilation = 1;
  int groups = 1;
  int output_padding = 0;   // rows and columns added at the bottom and right; less than stride
};

/// The adjoint of conv2d: x [N,H,W,I], w [I,kh,kw,O/groups], bias [O] or empty -> [N,P,Q,O],
/// P = (H-1) stride - top - bottom + dilation (kh-1) + output_padding + 1. The weight is that of the convolution from O to I channels
/// whose adjoint this is; PyTorch's [in, out/groups, kh, kw] becomes it by the same permutation that turns OIHW into OHWI.
Var conv2d_transpose(const Var& x, const Var& w, const Var& bias = {}, const Conv2dTransposeOptions& options = {});

}  // namespace kintsugi
