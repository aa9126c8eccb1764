// The functions of the unary family; apart from the family so that SIMD files need no other header.
#pragma once
#include <cstdint>

namespace kintsugi {

/// Equations stand in kernels/unary_math.h. a and b are UnaryParams.
enum class UnaryOp : uint8_t {
  affine,  // a x + b
  abs, square, sqrt, rsqrt, reciprocal, exp, log, xlogx, pow,  // pow: x^a
  sin, cos, sigmoid, tanh, softplus,
  relu, leaky_relu, silu, gelu, gelu_tanh, hardswish,  // leaky_relu: slope a
  clamp,  // to [a, b]
};
inline constexpr int kUnaryOps = int(UnaryOp::clamp) + 1;

constexpr const char* name(UnaryOp op) {
  constexpr const char* names[] = {"affine", "abs", "square", "sqrt", "rsqrt", "reciprocal", "exp", "log", "xlogx", "pow", "sin",
                                   "cos", "sigmoid", "tanh", "softplus", "relu", "leaky_relu", "silu", "gelu", "gelu_tanh",
                                   "hardswish", "clamp"};
  return names[int(op)];
}

struct UnaryParams {
  double a = 0, b = 0;
};

}  // namespace kintsugi
