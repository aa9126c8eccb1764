// Matrix products. Operands have one dtype, f32 or f64. Differentiable without end: every gradient is again a matrix product.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// op(a) op(b) over the last two axes, op(x) = x or its transpose. a [..., M, K] and b [..., K, N] (after transposing) have the same
/// leading axes, or one of them has none and serves every matrix of the other. Result [..., M, N].
Var matmul(const Var& a, const Var& b, bool transpose_a = false, bool transpose_b = false);

/// y = x w^T + bias. x [..., I], w [O, I], bias [O] or empty; y [..., O].
Var linear(const Var& x, const Var& w, const Var& bias = {});

}  // namespace kintsugi
