// Elementwise functions of f32 or f64 Vars, each differentiable twice (exp, sin, cos, square and affine without end).
// Equations and conventions at kinks: kernels/unary_math.h. Under a Replay the pieces of relu, leaky_relu, abs, clamp and
// hardswish are held where the base run found them.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

Var affine(const Var& x, double a, double b);  // a x + b
Var neg(const Var& x);
Var abs(const Var& x);
Var square(const Var& x);
Var sqrt(const Var& x);
Var rsqrt(const Var& x);  // 1 / sqrt(x)
Var reciprocal(const Var& x);
Var exp(const Var& x);
Var log(const Var& x);
Var xlogx(const Var& x);  // x log x, 0 at 0
Var pow(const Var& x, double p);
Var sin(const Var& x);
Var cos(const Var& x);
Var clamp(const Var& x, double lo, double hi);  // lo <= hi; either may be infinite

Var sigmoid(const Var& x);
Var tanh(const Var& x);
Var softplus(const Var& x);  // log(1 + e^x), stable
Var relu(const Var& x);
Var leaky_relu(const Var& x, double slope);
Var silu(const Var& x);       // x sigmoid(x), "swish"
Var gelu(const Var& x);       // x Phi(x), by erf
Var gelu_tanh(const Var& x);  // its tanh approximation (Hendrycks and Gimpel, 2016)
Var hardswish(const Var& x);  // x relu6(x + 3) / 6

}  // namespace kintsugi
