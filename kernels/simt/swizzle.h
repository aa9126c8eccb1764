// Where TMA puts, and wgmma looks for, the 16-byte chunks of a tile in shared memory: chunks of a row change places depending on the
// row, so that eight rows of one column lie in different banks. Bits 4.. of the shared address are combined with bits 7.. .
#pragma once
#include <cstdint>

namespace kintsugi {

enum class Swizzle : uint8_t { none, b32, b64, b128 };

/// The bytes of one row of a tile with this swizzle.
constexpr uint32_t span_of(Swizzle s) { return s == Swizzle::b128 ? 128 : s == Swizzle::b64 ? 64 : s == Swizzle::b32 ? 32 : 16; }

/// The shared address at which the byte meant for `address` is kept. Tiles must start at a multiple of 8 * span (256 at least).
constexpr uint32_t swizzled(uint32_t address, Swizzle s) {
  const uint32_t mask = s == Swizzle::b128 ? 0x70 : s == Swizzle::b64 ? 0x30 : s == Swizzle::b32 ? 0x10 : 0;
  return address ^ ((address >> 3) & mask);
}

}  // namespace kintsugi
