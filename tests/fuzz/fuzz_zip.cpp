#include "nn/pth/zip.h"
#include "tests/fuzz/fuzz.h"

void kintsugi::testing::try_input(std::span<const uint8_t> input) {
  const ZipArchive zip(input, "input");
  volatile uint8_t sum = 0;
  for (const std::string& name : zip.names())
    for (const uint8_t b : zip.at(name)) sum = uint8_t(sum + b);  // an entry outside the input is read outside of it
}
