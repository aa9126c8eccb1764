// Sampling an NHWC image at arbitrary positions (Jaderberg et al., "Spatial Transformer Networks", 2015), with PyTorch's
// grid_sample conventions, and with pixel displacements as registration networks use them.
//   bilinear  y[n,i,j,c] = sum over the four pixels q around p of (1-|p_y-q_y|)(1-|p_x-q_x|) x[n,q,c],  p = position(grid[n,i,j])
//   nearest   y[n,i,j,c] = x[n,round(p),c], halves to even
// Both gradients of the bilinear form come from one backward kernel; nearest has none towards the grid.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

enum class GridSampling : uint8_t { bilinear, nearest };

/// What a position outside the image reads: zeros; the closest border pixel (no gradient to the clamped coordinate); or the
/// image mirrored at the border, as often as needed.
enum class GridPadding : uint8_t { zeros, border, reflection };

/// What the two numbers of a grid cell mean.
enum class GridCoordinates : uint8_t {
  edges,         ///< (x, y), -1 and 1 are the outer edges of the border pixels: PyTorch's align_corners = false
  corners,       ///< (x, y), -1 and 1 are the centres of the border pixels: align_corners = true
  displacement,  ///< (dy, dx) in pixels, added to the output cell's own row and column
};

struct GridGeometry {
  const void* grid;  // [n, out_h, out_w, 2]
  int64_t n, h, w, c, out_h, out_w;
  GridSampling sampling;
  GridPadding padding;
  GridCoordinates coordinates;
  DType dtype;  // of every array
  /// [n, out_h, out_w, 6] from grid_pieces, or null. Bilinear sampling is smooth only while a position stays between the same four
  /// pixels; finite differences hold the pieces of the base point and may leave them.
  const double* pieces = nullptr;
};

struct GridSampleFwd : GridGeometry {
  const void* x;  // [n, h, w, c]
  void* y;        // [n, out_h, out_w, c], overwritten
};
extern const Family<GridSampleFwd> grid_sample_fwd;

struct GridSampleBwd : GridGeometry {
  const void* gy;  // [n, out_h, out_w, c]
  const void* x;   // [n, h, w, c]; read for ggrid only
  void* gx;        // [n, h, w, c] or null, overwritten
  void* ggrid;     // [n, out_h, out_w, 2] or null, overwritten
};
extern const Family<GridSampleBwd> grid_sample_bwd;

/// Per cell and axis (row, then column): first pixel, and slope and offset of the position as a function of the grid value.
struct GridPieces : GridGeometry {
  double* out;  // [n, out_h, out_w, 6], overwritten
};
extern const Family<GridPieces> grid_pieces;

/// Grids of an affine map: grid[n,i,j] = theta[n] (X_j, Y_i, 1)^T, with X, Y the normalised centres of the output cells.
/// Linear in theta; the gradient is the transposed sum over cells.
struct AffineGrid {
  const void* in;  // fwd: theta [n, 2, 3]; bwd: ggrid [n, h, w, 2]
  void* out;       // fwd: grid [n, h, w, 2]; bwd: gtheta [n, 2, 3]; overwritten
  int64_t n, h, w;
  bool align_corners;
  DType dtype;
};
extern const Family<AffineGrid> affine_grid_fwd, affine_grid_bwd;

}  // namespace kintsugi
