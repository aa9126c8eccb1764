// Layer normalisation (Ba, Kiros and Hinton 2016) over the last axis:
//   m, v = mean and biased variance of one row;  y = (x - m) / sqrt(v + eps) * gamma + beta
#pragma once
#include "kernels/base/statistics.h"
#include "kernels/table.h"

namespace kintsugi {

struct LayerNormFwd {
  const void* x;      // [rows, channels]
  const void* gamma;  // [channels], null = 1
  const void* beta;   // [channels], null = 0
  void* y;            // [rows, channels]
  void *mean, *rstd;  // [rows] of statistics_dtype(dtype), kept for backward; rstd = 1 / sqrt(v + eps)
  int64_t rows, channels;
  double eps;
  DType dtype;  // of every other array
};

/// Gradients are overwritten; null = not wanted.
struct LayerNormBwd {
  const void *gy, *x, *gamma;   // [rows, channels] twice, [channels] or null = 1
  const void *mean, *rstd;      // [rows], from the forward
  void* gx;                     // [rows, channels]
  void *ggamma, *gbeta;         // [channels], summed over rows
  int64_t rows, channels;
  DType dtype;
};

extern const Family<LayerNormFwd> layer_norm_fwd;
extern const Family<LayerNormBwd> layer_norm_bwd;

}  // namespace kintsugi
