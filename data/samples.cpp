#include "data/samples.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace kintsugi {
namespace {

uint16_t wide_sample(const Samples& s, size_t i) {
  uint16_t v;
  std::memcpy(&v, s.bytes.data() + 2 * i, 2);
  return v;
}

}  // namespace

Image to_floats(const Samples& samples) {
  Image out(samples.h, samples.w, samples.c);
  if (samples.depth == 16)
    for (size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = float(wide_sample(samples, i)) / 65535.0f;
  else
    for (size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = float(samples.bytes[i]) / 255.0f;
  return out;
}

Samples quantised(const Image& image, int depth) {
  if (depth == 8) return Samples(to_bytes(image));
  Samples out(image.h, image.w, image.c, 16);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const float scaled = image.pixels[i] * 65535.0f;
    const uint16_t v = !(scaled > 0) ? 0 : scaled >= 65535 ? 65535 : uint16_t(std::lrint(scaled));
    std::memcpy(out.bytes.data() + 2 * i, &v, 2);
  }
  return out;
}

Samples reduced_to_bytes(const Samples& samples) {
  if (samples.depth == 8) return samples;
  Samples out(samples.h, samples.w, samples.c, 8);
  for (size_t i = 0; i < out.bytes.size(); ++i) out.bytes[i] = uint8_t((wide_sample(samples, i) + 128) / 257);
  return out;
}

Samples channels_of(const Samples& samples, int first, int count) {
  Samples out(samples.h, samples.w, count, samples.depth);
  const size_t step = samples.pixel_bytes(), kept = out.pixel_bytes(), skipped = size_t(first) * (samples.depth / 8);
  const uint8_t* from = samples.bytes.data() + skipped;
  for (size_t at = 0; at < out.bytes.size(); at += kept, from += step) std::memcpy(out.bytes.data() + at, from, kept);
  return out;
}

Samples upright(Samples samples, int orientation) {
  if (orientation < 2 || orientation > 8 || samples.empty()) return samples;
  const bool swapped = orientation >= 5;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Samples out(swapped ? samples.w : samples.h, swapped ? samples.h : samples.w, samples.c, samples.depth);
  const size_t pixel = samples.pixel_bytes(), row = samples.row_bytes();
  uint8_t* to = out.bytes.data();
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x, to += pixel) {
      const int i = swapped ? x : y, j = swapped ? y : x;
      const size_t source_y = size_t(from_bottom ? samples.h - 1 - i : i), source_x = size_t(from_right ? samples.w - 1 - j : j);
      std::memcpy(to, samples.bytes.data() + source_y * row + source_x * pixel, pixel);
    }
  return out;
}

}  // namespace kintsugi
