#include "nn/open_checkpoint.h"
#include "tests/fuzz/fuzz.h"
#include "tests/nn/pth_writer.h"

void kintsugi::testing::try_input(std::span<const uint8_t> input) {
  static MemoryFile file;
  file.write({reinterpret_cast<const char*>(input.data()), input.size()});
  const TensorSource source = open_checkpoint(file.path());
  constexpr int64_t kMostRead = 1 << 20;  // views may repeat elements up to 16 GiB, by design
  for (const std::string& name : source.names)
    if (source.shape(name).numel() <= kMostRead) source.read(name);
}
