// Inner loops of the fast group normalisation rows: `rows` positions of `channels` floats, vectors along the channels.
#pragma once
#include <cstdint>

#include "kernels/base/simd.h"

namespace kintsugi {

/// sum[c] = sum of x[., c].
KIN_SIMD_DECLARE(void, group_norm_sums, const float* x, int64_t rows, int64_t channels, float* sum)
/// sum[c] and squares[c] of the deviations x[., c] - shift[c].
KIN_SIMD_DECLARE(void, group_norm_deviations, const float* x, int64_t rows, int64_t channels, const float* shift, float* sum,
                 float* squares)
/// y = act((x - shift) * scale + bias).
KIN_SIMD_DECLARE(void, group_norm_apply, const float* x, float* y, int64_t rows, int64_t channels, const float* shift,
                 const float* scale, const float* bias, bool silu)
/// sum[c] = sum of gz, dot[c] = sum of gz * xhat. `coefficients` holds the arrays mean, rstd, gamma, beta of [channels].
KIN_SIMD_DECLARE(void, group_norm_channel_grads, const float* gy, const float* x, int64_t rows, int64_t channels,
                 const float* coefficients, bool silu, float* sum, float* dot)
/// gx = rstd (gamma gz - mean_sum - xhat mean_dot). `coefficients` as above, followed by mean_sum and mean_dot.
KIN_SIMD_DECLARE(void, group_norm_input_grad, const float* gy, const float* x, float* gx, int64_t rows, int64_t channels,
                 const float* coefficients, bool silu)

}  // namespace kintsugi
