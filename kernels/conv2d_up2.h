// Nearest 2x and the 3x3 convolution with a border of one zero that follows it, in one:
//
//   y[n, p, q, o] = bias[o] + sum over r, s, c of u[n, p + r - 1, q + s - 1, c] w[o, r, s, c],   u[n, i, j, c] = x[n, i / 2, j / 2, c]
//
// u is zero outside its 2h x 2w pixels. Output pixels of one parity see the same two rows of x through the three kernel rows, two of which
// fall together; likewise columns. So y is four 2x2 convolutions of x, one per parity of (p, q), whose weights are sums of w.
#pragma once
#include "kernels/group_moments.h"

namespace kintsugi {

struct Conv2dUp2Fwd {
  int64_t n = 0, h = 0, w = 0, c = 0, o = 0;
  const void* x;       // [n, h, w, c]
  const void* weight;  // [o, 3, 3, c]
  const void* bias;    // [o] or null
  void* y;             // [n, 2h, 2w, o]
  DType dtype = DType::f32;
  OutputMoments moments = {};  // of y
};

extern const Family<Conv2dUp2Fwd> conv2d_up2_fwd;

}  // namespace kintsugi
