// The two passes of resample2d's fast row, for one image row each.
#pragma once
#include "kernels/base/simd.h"

namespace kintsugi {
/// out[k] = sum_t weight[t] * x[index[t] * row + k] for k in [0, row): taps mix whole rows.
KIN_SIMD_DECLARE(void, resample_mix_rows, float* out, const float* x, int64_t row, const int32_t* index, const float* weight, int count)
/// out[j*c + k] = sum_{t = offset[j]}^{offset[j+1]-1} weight[t] * in[index[t]*c + k]: taps mix pixels of one row.
KIN_SIMD_DECLARE(void, resample_mix_columns, float* out, const float* in, int64_t out_w, int64_t c, const int32_t* offset,
                 const int32_t* index, const float* weight)
}  // namespace kintsugi
