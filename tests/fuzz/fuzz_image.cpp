#include "data/image_file.h"
#include "tests/fuzz/fuzz.h"

void kintsugi::testing::try_input(std::span<const uint8_t> input) { decode_image(input, "input"); }
