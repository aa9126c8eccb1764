// From a grid cell to a position in pixels, and the four pixels around it, for the CPU and for GPU kernels. In f64 whatever the element type, so that every
// row of grid_sample takes the same side of a pixel border.
#pragma once
#include <cmath>

#include "kernels/base/host_device.h"
#include "kernels/grid_sample.h"

namespace kintsugi {

struct Coordinate {
  double at;     // in pixels, inside the image unless the padding is zeros
  double slope;  // d at / d grid value; 0 where the padding clamps
};

KIN_HOST_DEVICE inline Coordinate clamp_to_border(Coordinate p, int64_t size) {
  if (!(p.at > 0)) return {0, 0};
  if (p.at >= double(size - 1)) return {double(size - 1), 0};
  return p;
}

/// Mirrors at `low` and `low + span` until inside.
KIN_HOST_DEVICE inline Coordinate reflect(Coordinate p, double low, double span) {
  if (span == 0) return {0, 0};
  double offset = p.at - low, sign = 1;
  if (offset < 0) {
    offset = -offset;
    sign = -1;
  }
  const double rest = std::fmod(offset, span);
  const bool odd = std::fmod(std::floor(offset / span), 2.0) != 0;
  return odd ? Coordinate{span - rest + low, -sign * p.slope} : Coordinate{rest + low, sign * p.slope};
}

/// One axis. `own` is the output cell's row or column, read for displacements only.
KIN_HOST_DEVICE inline Coordinate grid_coordinate(double value, int64_t own, int64_t size, GridPadding padding, GridCoordinates coordinates) {
  Coordinate p;
  switch (coordinates) {
    case GridCoordinates::edges: p = {((value + 1) * double(size) - 1) / 2, double(size) / 2}; break;
    case GridCoordinates::corners: p = {(value + 1) / 2 * double(size - 1), double(size - 1) / 2}; break;
    case GridCoordinates::displacement: p = {double(own) + value, 1}; break;
  }
  if (padding == GridPadding::reflection) {
    const bool edges = coordinates == GridCoordinates::edges;
    p = reflect(p, edges ? -0.5 : 0.0, edges ? double(size) : double(size - 1));
  }
  if (padding != GridPadding::zeros) p = clamp_to_border(p, size);
  if (!(std::abs(p.at) < 1e9)) p = {-100, 0};  // infinities and NaN read the padding; they would not fit an integer
  return p;
}

/// Bilinear taps: rows y0, y0+1 with weights 1-ty, ty; columns likewise. Any of them may lie outside the image.
struct GridTaps {
  int64_t y0, x0;
  double ty, tx, slope_y, slope_x;
};

/// std::floor is a function call on machines of the baseline, and this is the inner loop.
KIN_HOST_DEVICE inline int64_t floor_of(double v) {
  const auto i = int64_t(v);
  return i - (v < double(i));
}

/// The taps of output cell (i, j), whose number is `cell`. For nearest, ty = tx = 0 and (y0, x0) is the pixel.
template <class T>
KIN_HOST_DEVICE GridTaps grid_taps(const GridGeometry& g, int64_t cell, int64_t i, int64_t j) {
  const T* value = static_cast<const T*>(g.grid) + 2 * cell;
  const bool displaced = g.coordinates == GridCoordinates::displacement;
  const double row = double(value[displaced ? 0 : 1]), col = double(value[displaced ? 1 : 0]);
  if (g.pieces) {
    const double* p = g.pieces + 6 * cell;
    return {int64_t(p[0]), int64_t(p[3]), p[1] * row + p[2] - p[0], p[4] * col + p[5] - p[3], p[1], p[4]};
  }
  const Coordinate y = grid_coordinate(row, i, g.h, g.padding, g.coordinates);
  const Coordinate x = grid_coordinate(col, j, g.w, g.padding, g.coordinates);
  if (g.sampling == GridSampling::nearest) return {int64_t(std::nearbyint(y.at)), int64_t(std::nearbyint(x.at)), 0, 0, 0, 0};
  const int64_t y0 = floor_of(y.at), x0 = floor_of(x.at);
  return {y0, x0, y.at - double(y0), x.at - double(x0), y.slope, x.slope};
}

/// The six numbers of an output cell that GridPieces asks for.
template <class T>
KIN_HOST_DEVICE void write_grid_piece(const GridPieces& a, int64_t cell) {
  const GridTaps t = grid_taps<T>(a, cell, cell / a.out_w % a.out_h, cell % a.out_w);
  const T* value = static_cast<const T*>(a.grid) + 2 * cell;
  const bool displaced = a.coordinates == GridCoordinates::displacement;
  double* out = a.out + 6 * cell;
  out[0] = double(t.y0);
  out[1] = t.slope_y;
  out[2] = out[0] + t.ty - t.slope_y * double(value[displaced ? 0 : 1]);
  out[3] = double(t.x0);
  out[4] = t.slope_x;
  out[5] = out[3] + t.tx - t.slope_x * double(value[displaced ? 1 : 0]);
}

/// Normalised centre of cell i of n; a single cell sits at 0.
KIN_HOST_DEVICE inline double centre(int64_t i, int64_t n, bool align_corners) {
  if (n == 1) return 0;
  return align_corners ? 2.0 * double(i) / double(n - 1) - 1 : (2.0 * double(i) + 1) / double(n) - 1;
}

}  // namespace kintsugi
