// Elementwise functions of one tensor, and their first two derivatives.
#pragma once
#include "kernels/table.h"
#include "kernels/unary_op.h"

namespace kintsugi {

/// y[i] = f^(order)(x[i]): the function itself (order 0), its first or second derivative.
struct UnaryFwd {
  UnaryOp op = UnaryOp::affine;
  UnaryParams params;
  int order = 0;
  DType dtype = DType::f32;  // f32 or f64
  int64_t n = 0;
  const void* x = nullptr;
  void* y = nullptr;  // overwritten; may be x
};

/// gx[i] = gy[i] * f^(order + 1)(x[i]): the gradient of UnaryFwd of that order, which is 0 or 1.
struct UnaryBwd {
  UnaryOp op = UnaryOp::affine;
  UnaryParams params;
  int order = 0;
  DType dtype = DType::f32;
  int64_t n = 0;
  const void* x = nullptr;
  const void* gy = nullptr;
  void* gx = nullptr;  // overwritten; may be gy
};

extern const Family<UnaryFwd> unary_fwd;
extern const Family<UnaryBwd> unary_bwd;

}  // namespace kintsugi
