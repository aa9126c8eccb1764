// 2-D convolution (cross-correlation, as in every network library) and its two gradients:
//
//   y[n, p, q, o]  = bias[o] + sum over r, s, c of x[n, p*stride_h + r*dilation_h - top, q*stride_w + s*dilation_w - left, g(o)*c_g + c] w[o, r, s, c]
//                + residual[n, p, q, o]
//   gx = dgrad(gy, w), the gradient of sum(y gy) with respect to x; as a forward operation it is the transposed convolution
//   gw, gbias = wgrad(x, gy), the same with respect to w and bias
//
// with x zero outside the image and g(o) the group of output channel o. Every one of the three is linear in both of its
// operands, so the family is closed under differentiation.
//
// Inference, where nobody differentiates, may have the forward take x normalised (its zeros outside the image stay zeros) and leave
// the moments of y for the next norm: then the map between a norm and its convolution is never written.
#pragma once
#include "kernels/base/precision.h"
#include "kernels/group_moments.h"
#include "kernels/table.h"

namespace kintsugi {

/// What the three members share. Output sizes: out_h = (h + top + bottom - (kh-1)*dilation_h - 1) / stride_h + 1, likewise out_w.
struct ConvShape {
  int64_t n = 0, h = 0, w = 0, c = 0;           // x: [n, h, w, c]
  int64_t out_h = 0, out_w = 0, o = 0;          // y: [n, out_h, out_w, o]
  int64_t kh = 1, kw = 1;                       // w: [o, kh, kw, c / groups]
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t top = 0, left = 0;                    // zero padding before; what stands after follows from out_h, out_w
  int64_t groups = 1;                           // divides c and o
};

struct Conv2dFwd {
  ConvShape shape;
  const void* x;
  const void* w;
  const void* bias;  // [o] or null
  void* y;           // apart from the other arrays, but it may be residual itself
  DType dtype = DType::f32;
  const void* residual = nullptr;  // [n, out_h, out_w, o], added to y; or null
  Precision precision = Precision::exact;
  InputNorm norm = {};
  OutputMoments moments = {};
};

struct Conv2dDgrad {
  ConvShape shape;
  const void* gy;
  const void* w;
  const void* bias;  // [c] added to gx, for the transposed convolution; or null
  void* gx;
  DType dtype = DType::f32;
};

struct Conv2dWgrad {
  ConvShape shape;
  const void* x;
  const void* gy;
  void* gw;     // overwritten; null: not wanted
  void* gbias;  // [o] overwritten; null: not wanted
  DType dtype = DType::f32;
};

extern const Family<Conv2dFwd> conv2d_fwd;
extern const Family<Conv2dDgrad> conv2d_dgrad;
extern const Family<Conv2dWgrad> conv2d_wgrad;

}  // namespace kintsugi
