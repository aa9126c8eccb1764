// Inner loops of the fast softmax and cross-entropy rows; attention uses the first one too.
#pragma once
#include <cstdint>

#include "kernels/base/simd.h"

namespace kintsugi {

/// y = softmax(scale x) of each row; y may be x.
KIN_SIMD_DECLARE(void, softmax_rows, const float* x, float* y, int64_t rows, int64_t width, float scale)
/// gx = scale y (gy - sum(gy y)) of each row; gx may be gy.
KIN_SIMD_DECLARE(void, softmax_row_grads, const float* gy, const float* y, float* gx, int64_t rows, int64_t width, float scale)
KIN_SIMD_DECLARE(void, log_softmax_rows, const float* x, float* y, int64_t rows, int64_t width)
KIN_SIMD_DECLARE(void, log_softmax_row_grads, const float* gy, const float* y, float* gx, int64_t rows, int64_t width)
/// Sum over the rows of -sum_k q_k log softmax(x)_k; g = (softmax - q) * weight (null = not wanted).
KIN_SIMD_DECLARE(double, cross_entropy_rows, const float* x, const int64_t* target, float* g, int64_t rows, int64_t width,
                 double smoothing, float weight)

}  // namespace kintsugi
