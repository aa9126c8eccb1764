// Cross entropy of logits with class numbers, mean over rows, optionally with smoothed labels (Szegedy et al. 2016):
//   q_rk = (1 - s) [k = target_r] + s / K
//   loss = -1/rows sum_r sum_k q_rk log softmax(logits_r)_k
//   glogits = (softmax(logits) - q) / rows
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct CrossEntropy {
  const void* logits;     // [rows, classes]
  const int64_t* target;  // [rows], each in [0, classes)
  void* loss;             // one number of `dtype`
  void* glogits;          // [rows, classes], overwritten; null = not wanted
  int64_t rows, classes;
  double label_smoothing;  // s, in [0, 1]
  DType dtype;
};

extern const Family<CrossEntropy> cross_entropy_fwd;

}  // namespace kintsugi
