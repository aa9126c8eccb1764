// Padding of images by their own border pixels. (Padding by a constant is a strided copy into a filled tensor.)
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// Where a padded row or column comes from: reflect mirrors without repeating the border, replicate repeats it.
enum class Border : uint8_t { reflect, replicate };

/// The index in [0, n) that position i in (-n, 2n - 1) stands for.
constexpr int64_t border_index(Border b, int64_t i, int64_t n) {
  if (b == Border::replicate) return i < 0 ? 0 : i >= n ? n - 1 : i;
  return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
}

/// Forward: y[n,i,j,:] = x[n, m(i - top), m(j - left), :] with m = border_index.
/// Adjoint: x and y trade places in the shapes and every source pixel gets the sum of the pixels that came from it, in row-major
/// order. Each of the two is the other's derivative.
struct Pad2d {
  bool adjoint = false;
  Border border = Border::reflect;
  DType dtype = DType::f32;              // f32 or f64
  int64_t n = 0, h = 0, w = 0, c = 0;    // the unpadded image
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  const void* x = nullptr;               // [n,h,w,c]; adjoint: [n, h + top + bottom, w + left + right, c]
  void* y = nullptr;                     // the other one; overwritten
};

extern const Family<Pad2d> pad2d_border;

}  // namespace kintsugi
