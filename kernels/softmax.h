// Softmax and its logarithm along the last axis:
//   softmax:      y = exp(x - max x) / sum exp(x - max x)          gx = y (gy - sum(gy y))
//   log_softmax:  y = x - max x - log sum exp(x - max x)           gx = gy - exp(y) sum(gy)
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct SoftmaxFwd {
  const void* x;  // [rows, width]
  void* y;        // [rows, width]; may be x
  int64_t rows, width;
  DType dtype;
};
struct SoftmaxBwd {
  const void *gy, *y;  // [rows, width]; y is the forward's result
  void* gx;            // [rows, width], overwritten; may be gy
  int64_t rows, width;
  DType dtype;
};

extern const Family<SoftmaxFwd> softmax_fwd, log_softmax_fwd;
extern const Family<SoftmaxBwd> softmax_bwd, log_softmax_bwd;

}  // namespace kintsugi
