// Transforms of Winograd's F(m x m, r x r): Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016).
//   Y = A^T [ (G w G^T) . (B^T d B) ] A    for an m x m tile Y of outputs, the n x n inputs d under it, n = m + r - 1, and r x r weights w
// F(2x2, 3x3): 16 multiplications for 4 outputs where direct summation takes 36; all entries of A, B and G are 0, 1, -1 or 1/2, so no
// accuracy is lost. F(4x4, 3x3), winograd4_*: 36 for 16 outputs where direct summation takes 144, and twice its rounding error.
// F(4x4, 2x2), winograd4_2x2_*: 25 for 64.
// Channels are the vector: every count of channels is a multiple of 16. Plane xi = n i + j holds entry (i, j) of a transformed tile.
#pragma once
#include "kernels/base/simd.h"

namespace kintsugi {

struct WinogradInput {
  const float* x;                  // first input pixel of the first tile
  int64_t x_row, x_pixel, c;       // floats from row to row and from pixel to pixel; channels
  int64_t tiles;                   // side by side
  float* v;                        // plane xi of tile t: v[xi * v_plane + t * v_tile], c channels
  int64_t v_tile, v_plane;
};
/// v = B^T d B.
KIN_SIMD_DECLARE(void, winograd_input, const WinogradInput& in)
KIN_SIMD_DECLARE(void, winograd4_input, const WinogradInput& in)
KIN_SIMD_DECLARE(void, winograd4_2x2_input, const WinogradInput& in)

/// u[xi * u_plane + i] = G w G^T for `count` weights side by side; w_tap: floats to the next of the r * r taps.
KIN_SIMD_DECLARE(void, winograd_weights, const float* w, int64_t w_tap, int64_t count, float* u, int64_t u_plane)
KIN_SIMD_DECLARE(void, winograd4_weights, const float* w, int64_t w_tap, int64_t count, float* u, int64_t u_plane)
KIN_SIMD_DECLARE(void, winograd4_2x2_weights, const float* w, int64_t w_tap, int64_t count, float* u, int64_t u_plane)

struct WinogradOutput {
  const float* m;  // plane xi of tile t: m[xi * m_plane + t * m_tile], `count` channels
  int64_t m_tile, m_plane, count;
  const float* bias;      // or null
  const float* residual;  // laid out as y; or null
  float* y;               // first output pixel
  int64_t y_row, y_pixel;
  int64_t rows, columns;  // what lies inside the image: at most m rows; the last tile may lose columns
  float* sums = nullptr;  // or null: of y per channel, a shift, and `sums_row` floats further each, sum of (y - shift) and of its square
  int64_t sums_row = 0;
  bool first = true;      // first tiles of their piece: the shift is chosen, and sums begin at zero
};
/// y = A^T m A + bias + residual, for tiles side by side.
KIN_SIMD_DECLARE(void, winograd_output, const WinogradOutput& out)
KIN_SIMD_DECLARE(void, winograd4_output, const WinogradOutput& out)
KIN_SIMD_DECLARE(void, winograd4_2x2_output, const WinogradOutput& out)

/// z[xi * z_plane + t * z_tile + ch] = A gy A^T for `tiles` 2x2 tiles side by side; gy_row floats from row to row, c channels and floats
/// from pixel to pixel.
KIN_SIMD_DECLARE(void, winograd_output_gradient, const float* gy, int64_t gy_row, int64_t c, int64_t tiles, float* z, int64_t z_tile,
                 int64_t z_plane)

/// gw = G^T u G for `count` weights side by side, the transpose of winograd_weights.
KIN_SIMD_DECLARE(void, winograd_weight_gradient, const float* u, int64_t u_plane, int64_t count, float* gw, int64_t w_r, int64_t w_s)

}  // namespace kintsugi
