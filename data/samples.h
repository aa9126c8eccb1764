// Pictures as files store them: whole numbers of 8 or 16 bits. What is not restored passes through as these, so that it
// comes out bit for bit as it went in; floats (data/image.h) are made from them only for the network.
#pragma once
#include <cstdint>
#include <vector>

#include "data/bytes.h"
#include "data/image.h"

namespace kintsugi {

/// [h, w, c] samples, row-major.
struct Samples {
  int h = 0, w = 0, c = 0;
  int depth = 8;               // 8 or 16 bits each
  std::vector<uint8_t> bytes;  // 16 bits stand in the machine's byte order

  Samples() = default;
  Samples(int height, int width, int channels, int bits)
      : h(height), w(width), c(channels), depth(bits), bytes(size_t(height) * width * channels * (bits / 8)) {}
  explicit Samples(ByteImage image) : h(image.h), w(image.w), c(image.c), bytes(std::move(image.pixels)) {}

  size_t pixel_bytes() const { return size_t(c) * (depth / 8); }
  size_t row_bytes() const { return pixel_bytes() * w; }
  bool empty() const { return bytes.empty(); }
};

/// v / 255 or v / 65535 in f32.
Image to_floats(const Samples& samples);
/// Clamped to [0, 1], scaled and rounded half to even; NaN gives 0. quantised(to_floats(s), s.depth) is s.
Samples quantised(const Image& image, int depth);
/// 8 bits per sample, v / 257 rounded to nearest.
Samples reduced_to_bytes(const Samples& samples);

/// Channels [first, first + count) alone.
Samples channels_of(const Samples& samples, int first, int count);

/// Applies EXIF orientation 1 to 8: what the camera stored becomes what it saw. 5 to 8 swap height and width. Any other
/// number counts as 1.
Samples upright(Samples samples, int orientation);

}  // namespace kintsugi
