// Vector row of kernels/cpu/binary.simd.cpp.
#pragma once
#include "kernels/base/simd.h"
#include "kernels/binary_op.h"

namespace kintsugi {
/// y[i] = a[i*sa] (op) b[i*sb] for i < n; sa and sb are 0 or 1.
KIN_SIMD_DECLARE(void, binary_run, BinaryOp op, const float* a, int64_t sa, const float* b, int64_t sb, float* y, int64_t n)
}  // namespace kintsugi
