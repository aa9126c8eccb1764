// Group normalisation (Wu and He, ECCV 2018), with an optional SiLU behind it:
//   m, v   = mean and biased variance over the positions and the channels of one group of one sample
//   xhat   = (x - m) / sqrt(v + eps)
//   y      = act(xhat * gamma + beta)
// With groups = channels this is instance normalisation, with n = 1 and groups = channels batch normalisation over all
// positions.
#pragma once
#include "kernels/base/act.h"
#include "kernels/base/statistics.h"
#include "kernels/table.h"

namespace kintsugi {

struct GroupNormFwd {
  const void* x;      // [n, positions, channels]
  const void* gamma;  // [channels], null = 1
  const void* beta;   // [channels], null = 0
  void* y;            // [n, positions, channels]
  void* mean;         // [n, groups] of statistics_dtype(dtype), kept for backward
  void* rstd;         // [n, groups], 1 / sqrt(v + eps)
  int64_t n, positions, channels, groups;
  double eps;
  Act act;
  DType dtype;  // of every other array
  const double* moments = nullptr;  // [n, groups, 2]: mean and variance of x, known beforehand (kernels/group_moments.h); null: they are worked out here
};

/// Gradients are overwritten; null = not wanted. ggamma and gbeta are summed over samples and positions.
struct GroupNormBwd {
  const void* gy;                // [n, positions, channels]
  const void *x, *gamma, *beta;  // as in the forward; beta is read only when act needs it
  const void *mean, *rstd;       // from the forward
  void* gx;                      // [n, positions, channels]
  void *ggamma, *gbeta;          // [channels]
  int64_t n, positions, channels, groups;
  Act act;
  DType dtype;
};

extern const Family<GroupNormFwd> group_norm_fwd;
extern const Family<GroupNormBwd> group_norm_bwd;

}  // namespace kintsugi
