// The functions of the binary family; apart from the family so that SIMD files need no other header.
#pragma once
#include <cstdint>

namespace kintsugi {

/// greater: 1 where a > b, else 0 (a mask: it has no gradient). maximum and minimum return a NaN operand.
enum class BinaryOp : uint8_t { add, sub, mul, div, maximum, minimum, greater };

constexpr const char* name(BinaryOp op) {
  constexpr const char* names[] = {"add", "sub", "mul", "div", "maximum", "minimum", "greater"};
  return names[int(op)];
}

template <class T>
constexpr T apply(BinaryOp op, T a, T b) {
  switch (op) {
    case BinaryOp::add: return a + b;
    case BinaryOp::sub: return a - b;
    case BinaryOp::mul: return a * b;
    case BinaryOp::div: return a / b;
    case BinaryOp::maximum: return a >= b || a != a ? a : b;
    case BinaryOp::minimum: return a <= b || a != a ? a : b;
    case BinaryOp::greater: return a > b ? T(1) : T(0);
  }
  return T(0);
}

}  // namespace kintsugi
