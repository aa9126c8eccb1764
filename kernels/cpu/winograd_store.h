// The last step of every Winograd output transform. Included by vector sources only.
#pragma once
#include "kernels/cpu/winograd.h"

namespace kintsugi::KIN_SIMD {

/// Adds `columns` neighbouring outputs to the sums of their channels. The shift is the mean of a piece's first ones: the more a piece
/// varies, the less it matters how near that is.
static inline void add_to_sums(const WinogradOutput& o, bool first, int64_t ch, const vec* y, int64_t columns) {
  float *shift = o.sums + ch, *sum = shift + o.sums_row, *squares = sum + o.sums_row;
  if (first) {
    vec mean = y[0];
    for (int64_t j = 1; j < columns; ++j) mean += y[j];
    store(shift, mean * splat(1.0f / float(columns)));
    store(sum, vec{});
    store(squares, vec{});
  }
  const vec base = load(shift);
  vec s = load(sum), q = load(squares);
  for (int64_t j = 0; j < columns; ++j) {
    const vec d = y[j] - base;
    s += d;
    q += d * d;
  }
  store(sum, s);
  store(squares, q);
}

/// Row p of the tile at column q, as far as it lies inside the image: y = row + bias + residual.
static inline void store_winograd_row(const WinogradOutput& o, int64_t p, int64_t q, int64_t ch, const vec* row, int64_t m) {
  const vec bias = o.bias ? load(o.bias + ch) : vec{};
  const int64_t columns = o.columns - q < m ? o.columns - q : m, at = p * o.y_row + q * o.y_pixel + ch;
  float* y = o.y + at;
  vec v[4];
  if (o.residual)
    for (int64_t j = 0; j < columns; ++j) store(y + j * o.y_pixel, v[j] = row[j] + bias + load(o.residual + at + j * o.y_pixel));
  else
    for (int64_t j = 0; j < columns; ++j) store(y + j * o.y_pixel, v[j] = row[j] + bias);
  if (o.sums) add_to_sums(o, o.first && p == 0 && q == 0, ch, v, columns);
}

}  // namespace kintsugi::KIN_SIMD
