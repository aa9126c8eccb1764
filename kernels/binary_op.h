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

}  // namespace kintsugi
