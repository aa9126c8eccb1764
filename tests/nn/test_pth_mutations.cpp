// Ten thousand damaged checkpoints: each loads or is an Error, and none takes memory beyond its size.
#include <doctest/doctest.h>

#include <fstream>

#include "nn/open_checkpoint.h"
#include "tensor/storage.h"
#include "tests/harness/scratch.h"
#include "tests/nn/pth_writer.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

// SplitMix64: what to damage, reproducible from the printed seed.
struct Dice {
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  size_t below(size_t n) { return size_t(next() % n); }
};

std::string damaged(std::string bytes, Dice& dice) {
  for (size_t n = 1 + dice.below(4); n-- > 0 && !bytes.empty();) {
    const size_t at = dice.below(bytes.size()), length = 1 + dice.below(16);
    switch (dice.below(6)) {
      case 0: bytes[at] = char(dice.next()); break;
      case 1: bytes[at] = char(bytes[at] ^ (1 << dice.below(8))); break;
      case 2: bytes[at] = "\x00\xff\x7f\x80"[dice.below(4)]; break;
      case 3: bytes.erase(at, length); break;
      case 4: bytes.insert(at, bytes.substr(dice.below(bytes.size()), length)); break;
      case 5: bytes.resize(at); break;
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("weight files: ten thousand damaged ones load or are refused") {
  Scratch scratch;
  MemoryFile file;
  const std::string intact = scratch / "intact.safetensors";
  const std::vector<float> w(24, 1.5f);
  write_safetensors(intact, {{"conv.weight", Tensor::of<float>({2, 3, 2, 2}, w)}, {"count", Tensor::full({}, 7, DType::i64)}},
                    {{"kind", "test"}});
  std::string safetensors;
  {
    std::ifstream in(intact, std::ios::binary);
    safetensors.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::string seeds[] = {small_zip(), small_legacy(), safetensors};
  int loaded = 0, refused = 0;
  reset_allocator_peak();
  const size_t before = allocator_stats().peak_bytes;
  for (int i = 0; i < 10'000; ++i) {
    Dice dice{uint64_t(i) * 0x9e3779b97f4a7c15};
    file.write(damaged(seeds[i % 3], dice));
    INFO("damage ", i);
    try {
      const TensorSource source = open_checkpoint(file.path());
      for (const std::string& name : source.names) source.read(name);
      ++loaded;
    } catch (const Error&) {
      ++refused;
    }
    REQUIRE(allocator_stats().peak_bytes - before < (1 << 20));
  }
  CHECK(loaded + refused == 10'000);
  CHECK(refused > 5'000);  // the damage reaches what matters
  CHECK(loaded > 500);     // and the values alone often enough
}
