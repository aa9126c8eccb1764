#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// Mean over all tokens of the cross entropy of logits [..., K] with class numbers target [...] (i64, each in [0, K)), labels smoothed
/// by label_smoothing in [0, 1]. A scalar. Equation: kernels/cross_entropy.h. Differentiable without end.
Var cross_entropy(const Var& logits, const Tensor& target, double label_smoothing = 0);

}  // namespace kintsugi
