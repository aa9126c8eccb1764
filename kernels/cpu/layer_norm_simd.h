// Inner loops of the fast layer normalisation rows.
#pragma once
#include <cstdint>

#include "kernels/base/simd.h"

namespace kintsugi {

/// gamma and beta may be null.
KIN_SIMD_DECLARE(void, layer_norm_rows, const float* x, const float* gamma, const float* beta, float* y, float* mean,
                 float* rstd, int64_t rows, int64_t channels, double eps)
/// gx of every row (null = not wanted); adds gy * xhat to ggamma and gy to gbeta, both [channels] (null = not wanted).
KIN_SIMD_DECLARE(void, layer_norm_row_grads, const float* gy, const float* x, const float* gamma, const float* mean,
                 const float* rstd, float* gx, float* ggamma, float* gbeta, int64_t rows, int64_t channels)

}  // namespace kintsugi
