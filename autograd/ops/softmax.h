// Softmax over the last axis of x [..., C], f32 or f64. Equations: kernels/softmax.h. Differentiable without end.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

Var softmax(const Var& x);
Var log_softmax(const Var& x);

}  // namespace kintsugi
