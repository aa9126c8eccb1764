#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// a + b for gradients of one shape and dtype (f32 or f64); differentiable. What the engine adds gradients up with.
Var accumulate(const Var& a, const Var& b);

}  // namespace kintsugi
