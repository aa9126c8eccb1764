// Division by a number known only at launch: a multiplication and a shift in place of the dozens of instructions that an integer
// division takes on a GPU. T. Granlund and P. Montgomery, "Division by invariant integers using multiplication" (1994), section 4.
#pragma once
#include <cstdint>

namespace kintsugi {

/// Divides 0 <= x < 2^31 by 1 <= divisor < 2^31.
struct FastDivisor {
  uint32_t divisor = 1, multiplier = 1u << 31, shift = 31;

  constexpr FastDivisor() = default;
  constexpr explicit FastDivisor(int64_t d) : divisor(uint32_t(d < 1 ? d = 1 : d)) {  // 0, from an empty shape, never divides
    int bits = 0;  // the smallest with d <= 2^bits
    while ((int64_t(1) << bits) < d) ++bits;
    shift = uint32_t(31 + bits);
    multiplier = uint32_t(((uint64_t(1) << shift) + uint64_t(d) - 1) / uint64_t(d));
  }
  constexpr int quotient(int x) const { return int(uint64_t(uint32_t(x)) * multiplier >> shift); }
  constexpr int remainder(int x, int quotient) const { return x - quotient * int(divisor); }
};

}  // namespace kintsugi
