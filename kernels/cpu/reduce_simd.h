// Vector rows of kernels/cpu/reduce.simd.cpp.
#pragma once
#include "kernels/base/simd.h"

namespace kintsugi {
/// Sum of n floats, added in f32 within blocks of a few hundred and in f64 between them.
KIN_SIMD_DECLARE(double, sum_run, const float* x, int64_t n)
/// into[i] += sum over rows r of x[r * stride + i], i < n.
KIN_SIMD_DECLARE(void, sum_columns, const float* x, int64_t rows, int64_t stride, int64_t n, double* into)
}  // namespace kintsugi
