// Transforms of Winograd's F(2x2, 3x3): Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016).
//   Y = A^T [ (G w G^T) . (B^T d B) ] A    for a 2x2 tile Y of outputs, the 4x4 inputs d under it and the 3x3 weights w
// 16 multiplications for 4 outputs where direct summation takes 36; all entries of A, B and G are 0, 1, -1 or 1/2, so no accuracy is lost.
// Channels are the vector: every count of channels is a multiple of 16. Plane xi = 4 i + j holds entry (i, j) of a transformed tile.
#pragma once
#include "kernels/base/simd.h"

namespace kintsugi {

/// v[xi * v_plane + t * v_tile + ch] = B^T d B for `tiles` tiles side by side. x: first input pixel, x_row floats from row to row, c
/// channels and floats from pixel to pixel.
KIN_SIMD_DECLARE(void, winograd_input, const float* x, int64_t x_row, int64_t c, int64_t tiles, float* v, int64_t v_tile, int64_t v_plane)

/// u[xi * u_plane + i] = G w G^T for `count` weights side by side; w_r and w_s: floats to the next kernel row and column.
KIN_SIMD_DECLARE(void, winograd_weights, const float* w, int64_t w_r, int64_t w_s, int64_t count, float* u, int64_t u_plane)

struct WinogradOutput {
  const float* m;  // plane xi of tile t: m[xi * m_plane + t * m_tile], `count` channels
  int64_t m_tile, m_plane, count;
  const float* bias;  // or null
  float* y;           // first output pixel
  int64_t y_row, y_pixel;
  int64_t rows, columns;  // what lies inside the image: 1 or 2 rows; the last tile may lose a column
};
/// y = A^T m A + bias.
KIN_SIMD_DECLARE(void, winograd_output, const WinogradOutput& out)

/// z[xi * z_plane + t * z_tile + ch] = A gy A^T for `tiles` 2x2 tiles side by side; gy_row floats from row to row, c channels and floats
/// from pixel to pixel.
KIN_SIMD_DECLARE(void, winograd_output_gradient, const float* gy, int64_t gy_row, int64_t c, int64_t tiles, float* z, int64_t z_tile,
                 int64_t z_plane)

/// gw = G^T u G for `count` weights side by side, the transpose of winograd_weights.
KIN_SIMD_DECLARE(void, winograd_weight_gradient, const float* u, int64_t u_plane, int64_t count, float* gw, int64_t w_r, int64_t w_s)

}  // namespace kintsugi
