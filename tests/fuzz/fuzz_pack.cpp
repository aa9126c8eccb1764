// The input is a pack; once as it is, once with its checksums made right, so that what lies behind them is reached too.
#include "data/pack.h"
#include "tests/data/packs.h"
#include "tests/fuzz/fuzz.h"

namespace kintsugi::testing {
namespace {

void read_all(std::span<const uint8_t> input) {
  const Pack pack(input, "input");
  volatile uint8_t sum = 0;
  for (int64_t i = 0; i < pack.size(); ++i) {
    for (const uint8_t b : pack.entry(i).bytes) sum = uint8_t(sum + b);  // bytes outside the input are read outside of it
    pack.picture(i);
  }
}

}  // namespace

void try_input(std::span<const uint8_t> input) {
  std::vector<uint8_t> sealed(input.begin(), input.end());
  PackParts::seal(sealed);
  try {
    read_all(sealed);
  } catch (const Error&) {}
  read_all(input);
}

}  // namespace kintsugi::testing
