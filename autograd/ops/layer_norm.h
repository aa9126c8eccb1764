#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// Normalises the last axis of x [..., C]; gamma, beta [C] of x's dtype. Equation: kernels/layer_norm.h. Differentiable twice
/// (through the composed form). Throws Error when a shape or dtype does not fit.
Var layer_norm(const Var& x, const Var& gamma, const Var& beta, double eps);

}  // namespace kintsugi
