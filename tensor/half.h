// IEEE half precision occurs in files only; readers widen it.
#pragma once
#include <bit>
#include <cstdint>

namespace kintsugi {

/// Exact for every input: zeros, subnormals, infinities and NaN keep their meaning.
inline float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float tiny = float(mantissa) * 0x1p-24f;  // zero and subnormals
  return sign ? -tiny : tiny;
}

}  // namespace kintsugi
