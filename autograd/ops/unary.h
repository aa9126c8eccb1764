// Elementwise functions of f32 or f64 Vars, each differentiable twice (exp, sin, cos, square and affine without end).
// Equations and conventions at kinks: kernels/unary_math.h. Under a Replay the pieces of relu, leaky_relu, abs, clamp and
// hardswish are held where the base run found them. An operand handed over may be overwritten by the result (autograd/reuse.h).
#pragma once
#include "autograd/var.h"

namespace kintsugi {

Var affine(Var x, double a, double b);  // a x + b
Var neg(Var x);
Var abs(Var x);
Var square(Var x);
Var sqrt(Var x);
Var rsqrt(Var x);  // 1 / sqrt(x)
Var reciprocal(Var x);
Var exp(Var x);
Var log(Var x);
Var xlogx(Var x);  // x log x, 0 at 0
Var pow(Var x, double p);
Var sin(Var x);
Var cos(Var x);
Var clamp(Var x, double lo, double hi);  // lo <= hi; either may be infinite

Var sigmoid(Var x);
Var tanh(Var x);
Var softplus(Var x);  // log(1 + e^x), stable
Var relu(Var x);
Var leaky_relu(Var x, double slope);
Var silu(Var x);       // x sigmoid(x), "swish"
Var gelu(Var x);       // x Phi(x), by erf
Var gelu_tanh(Var x);  // its tanh approximation (Hendrycks and Gimpel, 2016)
Var hardswish(Var x);  // x relu6(x + 3) / 6

}  // namespace kintsugi
