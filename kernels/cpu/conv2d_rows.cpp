#include "kernels/cpu/conv2d_rows.h"

#include <algorithm>

namespace kintsugi::cpu {

void copy_padded(float* dst, const ImageView& image, int64_t y0, int64_t x0, int64_t rows, int64_t columns) {
  const int64_t c = image.c;
  const int64_t first = std::clamp<int64_t>(-x0, 0, columns), last = std::clamp<int64_t>(image.w - x0, first, columns);
  for (int64_t r = 0; r < rows; ++r, dst += columns * c) {
    const int64_t y = y0 + r;
    if (y < 0 || y >= image.h) {
      std::fill_n(dst, columns * c, 0.0f);
      continue;
    }
    std::fill_n(dst, first * c, 0.0f);
    const float* src = image.data + (y * image.w + x0 + first) * image.pixel;
    const auto copy = [&](float* to, int64_t pixels) {
      if (image.norm) image.norm.apply(src, to, pixels, c);
      else std::copy_n(src, pixels * c, to);
    };
    if (c == image.pixel)
      copy(dst + first * c, last - first);
    else
      for (int64_t x = first; x < last; ++x, src += image.pixel) copy(dst + x * c, 1);
    std::fill_n(dst + last * c, (columns - last) * c, 0.0f);
  }
}

}  // namespace kintsugi::cpu
