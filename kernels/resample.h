// Separable linear resampling of NHWC images by sparse weights, one set per axis:
//   y[n,i,j,c] = sum_a sum_b R[i,a] * S[j,b] * x[n,a,b,c]
// Interpolation in every mode, anti-aliased reduction, average pooling and adaptive average pooling are all this sum with
// other weights (kernels/resample_taps.h makes them). Its adjoint is the same sum with R and S transposed, so the
// gradient is a gather too: no atomics, and derivatives of every order come from one family.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// One axis as a sparse matrix [out, in] in compressed rows: output cell i reads the taps offset[i] .. offset[i+1]-1.
/// A cell without taps is zero. The arrays lie where the row runs: in the device's memory for a GPU.
struct ResampleAxis {
  const int32_t* offset;  // [out + 1]
  const int32_t* index;   // [offset[out]], each in [0, in)
  const double* weight;   // [offset[out]]
  int64_t in, out;
};

struct Resample2d {
  const void* x;  // [n, rows.in, cols.in, c]
  void* y;        // [n, rows.out, cols.out, c], overwritten
  int64_t n, c;
  ResampleAxis rows, cols;
  DType dtype;  // f32 or f64
};
extern const Family<Resample2d> resample2d;

}  // namespace kintsugi
