// Elementwise arithmetic with NumPy broadcasting up to rank 6: axes are aligned from the last, axes of length 1 repeat.
// a and b have one dtype, f32 or f64. Gradients of repeated operands are summed back to their shape. Differentiable without end.
// Operands handed over may be overwritten by the result (autograd/reuse.h).
#pragma once
#include "autograd/var.h"

namespace kintsugi {

Var add(Var a, Var b);
Var sub(Var a, Var b);
Var mul(Var a, Var b);
Var div(Var a, Var b);
/// Where both are equal the gradient goes to b. A NaN operand is returned. Under a Replay the recorded side is taken.
Var maximum(const Var& a, const Var& b);
Var minimum(const Var& a, const Var& b);
/// 1 where a > b, else 0: a constant.
Var greater(const Var& a, const Var& b);

inline Var operator+(Var a, Var b) { return add(std::move(a), std::move(b)); }
inline Var operator-(Var a, Var b) { return sub(std::move(a), std::move(b)); }
inline Var operator*(Var a, Var b) { return mul(std::move(a), std::move(b)); }
inline Var operator/(Var a, Var b) { return div(std::move(a), std::move(b)); }

Var operator+(Var x, double c);
Var operator+(double c, Var x);
Var operator-(Var x, double c);
Var operator-(double c, Var x);
Var operator*(Var x, double c);
Var operator*(double c, Var x);
Var operator/(Var x, double c);
Var operator/(double c, Var x);
Var operator-(Var x);

}  // namespace kintsugi
