// The few numbers of a training step: losses and the squares of its gradients gathered where they were computed, and what follows from them, so
// that a step needs no look at them from the CPU before its weights have moved. Every kernel here is a few numbers long, but for equal_share.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// out[i] = *from[i]
struct GatherNumbers {
  static constexpr int kMost = 16;
  const void* from[kMost];
  DType types[kMost];  // f32 or f64
  int count;           // at most kMost
  double* out;         // [count]
};
extern const Family<GatherNumbers> gather_numbers;

/// *out = share of the i with a_i = b_i
struct EqualShare {
  const int64_t *a, *b;  // [n], n >= 1
  int64_t n;
  double* out;
};
extern const Family<EqualShare> equal_share;

/// With r and g the roots of squares[0] and squares[1]: value = clamp(r / (g + eps), 0, max). NaN stays NaN.
struct AdaptiveWeightOf {
  const double* squares;  // [2]
  double eps, max;
  double* out;            // [4]: value, 1 where value >= max else 0, r, g
  void* factor;           // [1], value
  DType dtype;            // of factor, f32 or f64
};
extern const Family<AdaptiveWeightOf> adaptive_weight_of;

/// What a step's optimiser reads: where `finite` is 0 it changes nothing.
struct StepVerdict {
  double norm;        // of the mean gradient
  double grad_scale;  // what brings sums of gradients to their mean, times the clipping factor
  double finite;      // 1 or 0
};
/// norm = scale sqrt(sum squares);  grad_scale = scale min(1, clip / (norm + 1e-6));  finite: the norm, every loss and `before` are.
struct JudgeStep {
  const double* squares;      // [count], added up in their order
  int64_t count;
  const double* losses;       // [loss_count]
  int64_t loss_count;
  double scale, clip;         // clip 0: no clipping, grad_scale = scale
  const StepVerdict* before;  // of what this step follows from; null: none
  StepVerdict* out;
};
extern const Family<JudgeStep> judge_step;

}  // namespace kintsugi
