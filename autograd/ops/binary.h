// Elementwise arithmetic with NumPy broadcasting up to rank 6: axes are aligned from the last, axes of length 1 repeat.
// a and b have one dtype, f32 or f64. Gradients of repeated operands are summed back to their shape. Differentiable without end.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

Var add(const Var& a, const Var& b);
Var sub(const Var& a, const Var& b);
Var mul(const Var& a, const Var& b);
Var div(const Var& a, const Var& b);
/// Where both are equal the gradient goes to b. A NaN operand is returned. Under a Replay the recorded side is taken.
Var maximum(const Var& a, const Var& b);
Var minimum(const Var& a, const Var& b);
/// 1 where a > b, else 0: a constant.
Var greater(const Var& a, const Var& b);

inline Var operator+(const Var& a, const Var& b) { return add(a, b); }
inline Var operator-(const Var& a, const Var& b) { return sub(a, b); }
inline Var operator*(const Var& a, const Var& b) { return mul(a, b); }
inline Var operator/(const Var& a, const Var& b) { return div(a, b); }

Var operator+(const Var& x, double c);
Var operator+(double c, const Var& x);
Var operator-(const Var& x, double c);
Var operator-(double c, const Var& x);
Var operator*(const Var& x, double c);
Var operator*(double c, const Var& x);
Var operator/(const Var& x, double c);
Var operator/(double c, const Var& x);
Var operator-(const Var& x);

}  // namespace kintsugi
