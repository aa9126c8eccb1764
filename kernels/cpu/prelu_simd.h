// Vector rows of kernels/cpu/prelu.simd.cpp: `rows` lines of c floats each.
#pragma once
#include "kernels/base/simd.h"

namespace kintsugi {
KIN_SIMD_DECLARE(void, prelu_rows, const float* x, const float* slope, float* y, int64_t rows, int64_t c)
/// gx overwritten, sums[c] += sum over rows of gy min(x, 0); either may be null.
KIN_SIMD_DECLARE(void, prelu_backward_rows, const float* x, const float* slope, const float* gy, float* gx, double* sums, int64_t rows, int64_t c)
}  // namespace kintsugi
