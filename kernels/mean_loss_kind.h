// The distances of the mean_loss family; apart from the family so that SIMD files need no other header.
#pragma once
#include <cstdint>

namespace kintsugi {

/// f of d = a - b. smooth_l1: d^2 / (2 param) inside |d| < param, |d| - param / 2 outside. charbonnier: sqrt(d^2 + param).
enum class MeanLossKind : uint8_t { l1, mse, smooth_l1, charbonnier };

constexpr const char* name(MeanLossKind k) {
  constexpr const char* names[] = {"l1_loss", "mse_loss", "smooth_l1_loss", "charbonnier_loss"};
  return names[int(k)];
}

}  // namespace kintsugi
