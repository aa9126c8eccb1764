// Inputs of normalisations over the last axis: x, a scale near 1 and a shift, one of each per channel.
#pragma once
#include "tests/harness/op_case.h"

namespace kintsugi::testing {

inline const Draw plain{}, far{.mean = 1e3};

inline Sample norm_sample(const char* name, Shape x, Draw draw = plain, std::vector<int64_t> ints = {}) {
  const int64_t c = x[-1];
  return {.name = name, .shapes = {x, {c}, {c}}, .draws = {draw, {.mean = 1, .std = 0.3}, plain}, .ints = std::move(ints)};
}

}  // namespace kintsugi::testing
