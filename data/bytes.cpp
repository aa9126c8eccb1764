#include "data/bytes.h"

#include <cmath>

namespace kintsugi {

uint8_t to_byte(float v) {
  const float scaled = v * 255.0f;
  if (!(scaled > 0)) return 0;
  return scaled >= 255 ? 255 : uint8_t(std::lrint(scaled));
}

ByteImage to_bytes(const Image& image) {
  ByteImage out{image.h, image.w, image.c, std::vector<uint8_t>(image.pixels.size())};
  for (size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = to_byte(image.pixels[i]);
  return out;
}

Image from_bytes(const ByteImage& bytes) {
  Image out(bytes.h, bytes.w, bytes.c);
  for (size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = float(bytes.pixels[i]) / 255.0f;
  return out;
}

void round_to_bytes(Image& image) {
  for (float& v : image.pixels) v = float(to_byte(v)) / 255.0f;
}

}  // namespace kintsugi
