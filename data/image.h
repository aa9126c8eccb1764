// A picture in memory: [h, w, c] floats in [0, 1], RGB order, row-major. Networks want [-1, 1] and NHWC batches:
// see data/batch.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kintsugi {

struct Image {
  int h = 0, w = 0, c = 3;
  std::vector<float> pixels;  // h*w*c

  Image() = default;
  Image(int height, int width, int channels = 3, float value = 0)
      : h(height), w(width), c(channels), pixels(size_t(height) * width * channels, value) {}

  float* at(int y, int x) { return pixels.data() + (size_t(y) * w + x) * c; }
  const float* at(int y, int x) const { return pixels.data() + (size_t(y) * w + x) * c; }
  bool empty() const { return pixels.empty(); }
};

}  // namespace kintsugi
