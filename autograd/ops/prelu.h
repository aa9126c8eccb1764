#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// y = x where x > 0, else slope[c] x. x is [..., C], slope [C] (or [1]: one for all), both f32 or both f64. Differentiable
/// without end; at 0 the derivative is the slope.
Var prelu(const Var& x, const Var& slope);

}  // namespace kintsugi
