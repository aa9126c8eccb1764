// Golden pictures (HWC, BGR) as Images, and the comparison they all use.
#pragma once
#include <algorithm>
#include <cmath>

#include "data/image.h"
#include "tests/harness/golden.h"

namespace kintsugi {

/// A [h,w,3] BGR tensor, f32 in [0,1] or u8, as an RGB picture in [0,1].
inline Image golden_bgr(const SafetensorsFile& file, const std::string& name) {
  const Tensor t = file.read(name);
  Image image(int(t.dim(0)), int(t.dim(1)));
  const double scale = t.dtype() == DType::u8 ? 255.0 : 1.0;
  for (int64_t i = 0; i < t.numel(); ++i) image.pixels[i / 3 * 3 + 2 - i % 3] = float(t.item(i) / scale);
  return image;
}

/// Largest absolute difference; infinity when the sizes differ.
inline double distance(const Image& a, const Image& b) {
  if (a.h != b.h || a.w != b.w || a.c != b.c) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) worst = std::max(worst, double(std::abs(a.pixels[i] - b.pixels[i])));
  return worst;
}

}  // namespace kintsugi
