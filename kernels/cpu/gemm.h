// The one micro-kernel behind matmul and convolution on the CPU (f32): a tile of C, at most `rows` x `columns`, kept in
// registers while A and B stream past.
//
//   C[i, j] (+)= bias[j] + sum over segments s, over k < depth of A_s[i, k] B_s[k, j]
//
// A product has one segment. A convolution has one per kernel row: the pixels under a kernel row are neighbours in an
// NHWC image, so A is read where it lies and no im2col matrix is ever written. The order of additions for an element
// depends on segments and depth only, never on where the tile borders lie or which thread runs it.
#pragma once
#include <cstdint>

#include "kernels/base/simd.h"

namespace kintsugi {

struct GemmTile {
  int m, n;                  // this tile's rows and columns, 1 <= m <= rows, 1 <= n <= columns
  int segments;              // 0 writes bias (or zeros)
  int64_t depth;             // k of each segment
  const float* a;            // element (i, k) of segment s: a[a_segment[s] + i * a_row + k * a_depth]
  const int64_t* a_segment;  // null: one segment at 0
  int64_t a_row, a_depth;    // one of them must be 1
  const float* b;            // element (k, j) of segment s: b[b_segment[s] + k * b_depth + j]; whole registers are read, so
  const int64_t* b_segment;  //   `columns` floats must be readable after any k, and what lies past n is ignored
  int64_t b_depth;
  float* c;                  // element (i, j): c[i * c_row + j]
  int64_t c_row;
  bool accumulate;           // add to C instead of overwriting it
  const float* bias;         // [n] or null
};

struct GemmShape {
  int rows, columns;  // 14 x 32 with AVX-512, 6 x 16 with AVX2, 6 x 8 otherwise
};

KIN_SIMD_DECLARE(GemmShape, gemm_shape)
KIN_SIMD_DECLARE(void, gemm_tile, const GemmTile& tile)
/// dst[k * width + j] = src[k * k_stride + j * j_stride] for k < depth, j < n; zeros for n <= j < width <= columns. One of the
/// strides must be 1.
KIN_SIMD_DECLARE(void, gemm_pack, float* dst, int64_t width, const float* src, int64_t k_stride, int64_t j_stride,
                 int64_t depth, int64_t n)

/// The three functions at the level in use, looked up once per kernel call.
struct Gemm {
  int rows, columns;
  void (*tile)(const GemmTile&);
  void (*pack)(float*, int64_t, const float*, int64_t, int64_t, int64_t, int64_t);
};
inline Gemm gemm() {
  const GemmShape s = KIN_SIMD_PICK(gemm_shape)();
  return {s.rows, s.columns, KIN_SIMD_PICK(gemm_tile), KIN_SIMD_PICK(gemm_pack)};
}

/// Cuts n rows into the fewest tiles of at most `rows`, as even as can be: 16 rows are 8 + 8, not 14 + 2.
struct EvenTiles {
  int64_t n, count;
  EvenTiles(int64_t total, int64_t rows) : n(total), count((total + rows - 1) / rows) {}
  int64_t begin(int64_t i) const { return n * i / count; }
};

}  // namespace kintsugi
