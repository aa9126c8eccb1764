// EXIF blocks from strangers: offsets, counts and links that lead anywhere.
#include "data/exif.h"

#include <doctest/doctest.h>

#include "kernels/base/philox.h"
#include "tests/data/crafted_photos.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

/// On a heap block of exactly its size, for the sanitizers.
int orientation_of(const ByteVector& block) {
  ByteVector exact(block);
  exact.shrink_to_fit();
  const int before = exif_orientation(exact);
  set_exif_upright(exact);
  CHECK(exif_orientation(exact) == 1);
  if (before == 1) CHECK(exact == block);
  return before;
}

ByteVector directory_at(uint32_t at, uint32_t entries, size_t size) {
  ByteWriter w(false);
  w.letters("II").number(42, 2).number(at, 4).number(entries, 2);
  w.bytes.resize(size);
  return w.bytes;
}

}  // namespace

TEST_CASE("exif: orientation in both byte orders; nonsense counts as upright") {
  for (const bool big_endian : {false, true}) {
    for (int k = 1; k <= 8; ++k) CHECK(orientation_of(exif_block(k, big_endian)) == k);
    for (const int k : {0, 9, 255, 65535}) CHECK(orientation_of(exif_block(k, big_endian)) == 1);
  }
  ByteVector wide = exif_block(6);  // written as a 32-bit number
  wide[8 + 2 + 12 + 2] = 4;
  CHECK(orientation_of(wide) == 6);
  ByteVector word = exif_block(6);  // as text
  word[8 + 2 + 12 + 2] = 2;
  CHECK(orientation_of(word) == 1);
  ByteVector many = exif_block(6);  // as two numbers
  many[8 + 2 + 12 + 4] = 2;
  CHECK(orientation_of(many) == 1);
}

TEST_CASE("exif: hostile offsets, loops and counts change nothing and read nothing outside") {
  for (const uint32_t at : {0u, 1u, 4u, 7u, 98u, 99u, 100u, 0x7fffffffu, 0xfffffff0u, 0xffffffffu}) CHECK(orientation_of(directory_at(at, 3, 100)) == 1);
  for (const uint32_t entries : {0u, 8u, 9u, 1000u, 65535u}) CHECK(orientation_of(directory_at(8, entries, 100)) == 1);
  CHECK(orientation_of(exif_block(6, false, 8)) == 6);            // the next directory is this one
  CHECK(orientation_of(exif_block(6, false, 0xffffffff)) == 6);  // or nowhere
  const ByteVector whole = exif_block(6, true, 8);
  for (size_t n = 0; n < whole.size(); ++n) orientation_of(ByteVector(whole.begin(), whole.begin() + std::ptrdiff_t(n)));
  Philox random(3, "exif");
  for (int trial = 0; trial < 20'000; ++trial) {
    ByteVector bad = exif_block(1 + trial % 8, trial % 2);
    for (int k = 0; k < 3; ++k) bad[random.below(uint32_t(bad.size()))] = uint8_t(random.below(256));
    orientation_of(bad);
  }
}

TEST_CASE("exif: XMP's word about orientation follows") {
  const auto upright = [](std::string xmp) {
    set_xmp_upright(xmp);
    return xmp;
  };
  CHECK(upright("<a tiff:Orientation=\"6\" b=\"6\"/>") == "<a tiff:Orientation=\"1\" b=\"6\"/>");
  CHECK(upright("<tiff:Orientation> 8</tiff:Orientation>") == "<tiff:Orientation> 1</tiff:Orientation>");
  CHECK(upright("tiff:Orientation=") == "tiff:Orientation=");
  CHECK(upright("tiff:Orientation='x6'") == "tiff:Orientation='x6'");
  CHECK(upright("") == "");
}
