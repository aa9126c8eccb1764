// What every fuzz target is: bytes go in, Error is the only exception that may come out. Any other exception, a crash, a hang, a
// sanitizer's report or memory beyond libFuzzer's limit is a finding.
#pragma once
#include <cstdint>
#include <span>

#include "kernels/base/error.h"

namespace kintsugi::testing {

void try_input(std::span<const uint8_t> input);  // each target defines it

}  // namespace kintsugi::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    kintsugi::testing::try_input({data, size});
  } catch (const kintsugi::Error&) {}
  return 0;
}
