// Pictures of 8-bit samples, and the one rounding rule between them and floats.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "data/image.h"

namespace kintsugi {

using Bytes = std::span<const uint8_t>;

/// [h, w, c] bytes, RGB order, row-major.
struct ByteImage {
  int h = 0, w = 0, c = 3;
  std::vector<uint8_t> pixels;
};

/// 255 * v clamped to [0, 255] and rounded half to even, as OpenCV's 8-bit conversion and as the networks' released
/// output conversion do. NaN gives 0.
uint8_t to_byte(float v);

ByteImage to_bytes(const Image& image);
/// k / 255 in f32.
Image from_bytes(const ByteImage& bytes);

/// round(255 v) / 255: what would be left after saving as 8 bits.
void round_to_bytes(Image& image);

}  // namespace kintsugi
