#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// Multi-head attention over all keys: q [N,Tq,C], k and v [N,Tk,C] to [N,Tq,C]. Head h owns the channels [h C/heads, (h+1) C/heads).
/// Equation: kernels/attention.h. Projections are the caller's. Differentiable twice (through the composed form).
Var attention(const Var& q, const Var& k, const Var& v, int heads, double scale);

/// Mean over heads of the attention weights, [N,Tq,Tk]; no gradient.
Tensor attention_map(const Tensor& q, const Tensor& k, int heads, double scale);

}  // namespace kintsugi
