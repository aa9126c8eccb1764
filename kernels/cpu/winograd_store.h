// The last step of every Winograd output transform. Included by vector sources only.
#pragma once
#include "kernels/cpu/winograd.h"

namespace kintsugi::KIN_SIMD {

/// Row p of the tile at column q, as far as it lies inside the image: y = row + bias + residual.
static inline void store_winograd_row(const WinogradOutput& o, int64_t p, int64_t q, int64_t ch, const vec* row, int64_t m) {
  const vec bias = o.bias ? load(o.bias + ch) : vec{};
  const int64_t columns = o.columns - q < m ? o.columns - q : m, at = p * o.y_row + q * o.y_pixel + ch;
  float* y = o.y + at;
  if (o.residual)
    for (int64_t j = 0; j < columns; ++j) store(y + j * o.y_pixel, row[j] + bias + load(o.residual + at + j * o.y_pixel));
  else
    for (int64_t j = 0; j < columns; ++j) store(y + j * o.y_pixel, row[j] + bias);
}

}  // namespace kintsugi::KIN_SIMD
