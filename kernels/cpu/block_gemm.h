// Small single-threaded f32 matrix products for rows that own their blocking and threads (attention, code search).
// B is packed once into panels of a few vector registers' width and used by many calls.
#pragma once
#include <cstdint>

#include "kernels/base/simd.h"

namespace kintsugi {

/// Floats needed for a packed [k, n] matrix, whatever the instruction set.
inline int64_t block_gemm_packed_size(int64_t k, int64_t n) { return k * ((n + 31) / 32 * 32); }

/// Packs B [k, n] with B(p, j) = b[p * b_row + j * b_col]; columns past n are zero.
KIN_SIMD_DECLARE(void, block_gemm_pack, const float* b, int64_t b_row, int64_t b_col, int64_t k, int64_t n, float* packed)
/// C [m, n] = A [m, k] B, overwritten; A(i, p) = a[i * a_row + p * a_col], C(i, j) = c[i * c_row + j].
KIN_SIMD_DECLARE(void, block_gemm, int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_col,
                 const float* packed, float* c, int64_t c_row)

}  // namespace kintsugi
