// Small single-threaded f32 matrix products on the micro-kernel of gemm.h, for rows that own their blocking and threads (attention,
// code search). B is packed once into panels of a few vector registers' width and used by many calls.
#pragma once
#include <algorithm>

#include "kernels/cpu/gemm.h"

namespace kintsugi {

/// A packed matrix B [k, n] in memory of the caller.
struct BlockGemm {
  Gemm kernel = gemm();
  int64_t k, n;

  int64_t packed_size() const { return k * ((n + kernel.columns - 1) / kernel.columns * kernel.columns); }

  /// B(p, j) = b[p * b_row + j * b_col]; one of the strides is 1.
  void pack(const float* b, int64_t b_row, int64_t b_col, float* packed) const {
    for (int64_t j = 0; j < n; j += kernel.columns, packed += k * kernel.columns)
      kernel.pack(packed, kernel.columns, b + j * b_col, b_row, b_col, k, std::min<int64_t>(kernel.columns, n - j));
  }

  /// C [m, n] = A [m, k] B, overwritten; A(i, p) = a[i * a_row + p * a_col], one of the strides is 1; C(i, j) = c[i * c_row + j].
  void multiply(int64_t m, const float* a, int64_t a_row, int64_t a_col, const float* packed, float* c, int64_t c_row) const {
    const EvenTiles tiles(m, kernel.rows);
    for (int64_t j = 0; j < n; j += kernel.columns, packed += k * kernel.columns)
      for (int64_t t = 0; t < tiles.count; ++t) {
        const int64_t i = tiles.begin(t);
        kernel.tile({.m = int(tiles.begin(t + 1) - i), .n = int(std::min<int64_t>(kernel.columns, n - j)), .segments = 1, .depth = k,
                     .a = a + i * a_row, .a_segment = nullptr, .a_row = a_row, .a_depth = a_col, .b = packed, .b_segment = nullptr,
                     .b_depth = kernel.columns, .c = c + i * c_row + j, .c_row = c_row, .accumulate = false, .bias = nullptr});
      }
  }
};

}  // namespace kintsugi
