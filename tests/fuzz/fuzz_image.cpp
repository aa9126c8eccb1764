// Reading, colours to sRGB and back, and writing again. What was read must be writable as a PNG that reads as the same picture.
#include <cstdlib>

#include "data/codec.h"
#include "data/photo_colours.h"
#include "tests/fuzz/fuzz.h"

namespace kintsugi::testing {
namespace {

constexpr size_t kMostPixels = 1 << 16;  // a picture of 200 million pixels is read and not carried further

void carry_on(Photo photo) {
  std::vector<std::string> notes;
  const Image before = srgb_of(photo, notes), after(before.h, before.w, 3, 0.5f);
  const Photo back = decode_photo(encode_photo(photo, PhotoFormat::png, {}, notes), "what was written");
  if (back.colour.bytes != photo.colour.bytes || back.alpha.bytes != photo.alpha.bytes || back.orientation != 1) std::abort();
  set_srgb(photo, before, after, true);
  if (can_write(photo.format) && photo.format != PhotoFormat::png) encode_photo(photo, photo.format, {}, notes);
}

}  // namespace

void try_input(std::span<const uint8_t> input) {
  Photo photo = decode_photo(input, "input");
  if (size_t(photo.colour.h) * size_t(photo.colour.w) <= kMostPixels) carry_on(std::move(photo));
}

}  // namespace kintsugi::testing
