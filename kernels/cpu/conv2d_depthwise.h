// Depthwise convolution (one input and one output channel per group): nothing to multiply as matrices, so the channels are the vector.
#pragma once
#include "kernels/base/simd.h"

namespace kintsugi {

/// One output row of a padded image block; all strides in floats, c channels side by side.
struct DepthwiseRow {
  const float* x;  // first pixel under output 0, tap (0, 0)
  int64_t x_step, x_tap_row, x_tap_column;  // to the next output, the next kernel row, the next kernel column
  int64_t kh, kw, c, outputs;
};

/// y[q * y_step + ch] = bias[ch] + sum over taps of x w[tap * c + ch]. bias may be null.
KIN_SIMD_DECLARE(void, depthwise_row, const DepthwiseRow& row, const float* w, const float* bias, float* y, int64_t y_step)
/// gw[tap * c + ch] += sum over outputs of x gy[q * gy_step + ch].
KIN_SIMD_DECLARE(void, depthwise_wgrad_row, const DepthwiseRow& row, const float* gy, int64_t gy_step, float* gw)

}  // namespace kintsugi
