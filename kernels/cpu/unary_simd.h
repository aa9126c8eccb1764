// Vector rows of kernels/cpu/unary.simd.cpp: every UnaryOp but sin, cos and pow.
#pragma once
#include "kernels/base/simd.h"
#include "kernels/unary_op.h"

namespace kintsugi {
/// y[i] = f^(order)(x[i]), order 0, 1 or 2.
KIN_SIMD_DECLARE(void, unary_run, UnaryOp op, UnaryParams params, int order, const float* x, float* y, int64_t n)
/// gx[i] = gy[i] f^(order)(x[i]), order 1 or 2.
KIN_SIMD_DECLARE(void, unary_times_run, UnaryOp op, UnaryParams params, int order, const float* x, const float* gy, float* gx, int64_t n)
}  // namespace kintsugi
