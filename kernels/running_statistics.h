// Running statistics of batch normalisation (Ioffe and Szegedy 2015): moved towards those of a batch.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// With v = 1 / rstd^2 - eps, the batch's biased variance over `rows` positions:
///   running_mean <- (1-momentum) running_mean + momentum mean;  running_var <- (1-momentum) running_var + momentum v rows/(rows-1)
struct RunningStatistics {
  const void *mean, *rstd;          // [channels], of the batch
  void *running_mean, *running_var;  // [channels], updated
  int64_t channels, rows;            // rows >= 2
  double momentum, eps;
  DType dtype;  // f32 or f64, of every array; computed in f64
};
extern const Family<RunningStatistics> running_statistics;

}  // namespace kintsugi
