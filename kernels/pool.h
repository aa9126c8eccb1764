// Max pooling over rectangular windows of NHWC images, and the two linear maps that its winners define:
//   forward   y[n,i,j,c] = max over rows[i] x cols[j] of x[n,.,.,c]; index[n,i,j,c] = h*w_in + w of the first maximum in scan order
//   scatter   gx[n,p,c]   = sum of gy[n,i,j,c] over the cells whose index is p      (the gradient)
//   gather    y[n,i,j,c]  = x[n, index[n,i,j,c], c]                                  (the gradient's gradient; forward at held indices)
// scatter and gather are adjoint, so derivatives of every order stay in this file. A NaN wins its window, as in PyTorch.
// Plain and adaptive pooling differ only in their windows. Average pooling is kernels/resample.h with other weights.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// Cell i covers [begin[i], end[i]), never empty. The arrays lie where the row runs: in the device's memory for a GPU.
struct PoolWindows {
  const int32_t *begin, *end;  // [out]
  int64_t in, out;
};

struct MaxPoolFwd {
  const void* x;   // [n, rows.in, cols.in, c]
  void* y;         // [n, rows.out, cols.out, c], overwritten
  int32_t* index;  // like y: position in the input plane
  int64_t n, c;
  PoolWindows rows, cols;
  DType dtype;
};
extern const Family<MaxPoolFwd> max_pool_fwd;

struct MaxPoolIndexed {
  const void* in;        // scatter: gy [n, cells, c]; gather: x [n, plane, c]
  const int32_t* index;  // [n, cells, c], each in [0, plane)
  void* out;             // scatter: gx [n, plane, c]; gather: y [n, cells, c]; overwritten
  int64_t n, plane, cells, c;
  DType dtype;
};
extern const Family<MaxPoolIndexed> max_pool_scatter, max_pool_gather;

}  // namespace kintsugi
