// The input is an EXIF block, and an XMP packet.
#include <cstdlib>

#include "data/exif.h"
#include "tests/fuzz/fuzz.h"

void kintsugi::testing::try_input(std::span<const uint8_t> input) {
  std::vector<uint8_t> block(input.begin(), input.end());
  const int orientation = exif_orientation(block);
  if (orientation < 1 || orientation > 8) std::abort();
  set_exif_upright(block);
  if (exif_orientation(block) != 1) std::abort();
  std::string xmp(input.begin(), input.end());
  set_xmp_upright(xmp);
}
