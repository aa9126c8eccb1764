// What a kernel may give up for speed.
#pragma once
#include <cstdint>

namespace kintsugi {

/// exact: rounding no worse than summing the products one by one in the element type. fast: a few times that.
enum class Precision : uint8_t { exact, fast };

constexpr const char* name(Precision p) { return p == Precision::fast ? "fast" : "exact"; }

}  // namespace kintsugi
