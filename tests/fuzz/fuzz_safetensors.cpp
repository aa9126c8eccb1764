#include "tensor/safetensors.h"
#include "tests/fuzz/fuzz.h"
#include "tests/nn/pth_writer.h"

void kintsugi::testing::try_input(std::span<const uint8_t> input) {
  static MemoryFile file;
  file.write({reinterpret_cast<const char*>(input.data()), input.size()});
  const SafetensorsFile tensors(file.path());
  for (const std::string& name : tensors.names()) tensors.read(name);
}
