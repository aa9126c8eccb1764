// Correlation of pictures with a kernel of each picture's own, the same for every channel; borders mirror without repeating the edge:
//   y[n,i,j,c] = sum over p, q of k[n,p,q] x[n, m(i + p - kh/2), m(j + q - kw/2), c],  m = mirrored
// What OpenCV's filter2D computes. It serves the degradations, so nothing is differentiated.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// Index of the pixel that position i of a mirrored axis of n pixels shows, however far outside: ... 2 1 0 1 2 ... n-1 n-2 ...
constexpr int64_t mirrored(int64_t i, int64_t n) {
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1);
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - i;
}

struct PictureBlur {
  const void* x;  // [n, h, w, c]
  void* y;        // the same, apart from x
  const float* k; // [n, kh, kw], both odd
  int64_t n, h, w, c, kh, kw;
  DType dtype = DType::f32;  // f32 or f64
};
extern const Family<PictureBlur> picture_blur;

}  // namespace kintsugi
