#include "nn/pth/state_dict.h"
#include "tests/fuzz/fuzz.h"

void kintsugi::testing::try_input(std::span<const uint8_t> input) { find_state_dict(unpickle(input, "input"), "input"); }
