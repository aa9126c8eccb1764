// Elementwise y = a (op) b with broadcasting.
#pragma once
#include "kernels/base/walk.h"
#include "kernels/binary_op.h"
#include "kernels/table.h"

namespace kintsugi {

/// y is dense over walk.dims; a and b are read at the walk's strides. The walk is coalesced (PairWalk::coalesce), so its last
/// axis has strides 0 or 1 for operands that were dense before broadcasting.
struct Binary {
  BinaryOp op = BinaryOp::add;
  DType dtype = DType::f32;  // of a, b and y: f32 or f64
  const void* a = nullptr;
  const void* b = nullptr;
  void* y = nullptr;  // overwritten
  PairWalk walk;
};

extern const Family<Binary> binary;

}  // namespace kintsugi
