// The inner loop of filter2d, one instance per instruction set.
#pragma once
#include <cstdint>

#include "kernels/base/simd.h"

namespace kintsugi {

/// out[i] = sum over t < taps of weights[t] * in[i + offsets[t]], for i < n, added in the order of t.
KIN_SIMD_DECLARE(void, filter_row, const float* in, float* out, int64_t n, const int64_t* offsets, const float* weights,
                 int64_t taps)

}  // namespace kintsugi
