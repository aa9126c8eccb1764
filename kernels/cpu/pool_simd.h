#pragma once
#include "kernels/base/simd.h"

namespace kintsugi {
/// One output cell: maximum of pixels x[(h*w + q)*c ...] for h in [h0,h1), q in [w0,w1), per channel, with the first position.
KIN_SIMD_DECLARE(void, max_pool_cell, float* y, int32_t* index, const float* x, int64_t w, int64_t c, int32_t h0, int32_t h1,
                 int32_t w0, int32_t w1)
}  // namespace kintsugi
