// Activations that a normalisation or product can apply before its result leaves the registers.
#pragma once
#include <cstdint>

namespace kintsugi {

enum class Act : uint8_t { none, silu };

constexpr const char* name(Act a) { return a == Act::silu ? "silu" : "none"; }

}  // namespace kintsugi
