// Random brightness, contrast, saturation and hue, with the formulas of torchvision's tensor colour jitter.
#pragma once
#include <array>

#include "data/image.h"
#include "kernels/base/philox.h"

namespace kintsugi {

/// All work on RGB in [0, 1] and clamp to it; they throw Error unless c = 3. A factor of 1 (hue: 0) changes nothing but rounding.
void adjust_brightness(Image& image, float factor);  // x * factor
void adjust_contrast(Image& image, float factor);    // blend with the mean grey of the picture
void adjust_saturation(Image& image, float factor);  // blend with the grey of the pixel
void adjust_hue(Image& image, float turn);           // rotates the hue by `turn` of a full circle, |turn| <= 0.5

/// One draw: factors and the order in which the four steps are applied.
struct ColourJitter {
  float brightness = 1, contrast = 1, saturation = 1, hue = 0;
  std::array<int, 4> order{0, 1, 2, 3};

  /// The published colorization training: U(0.5,1.5), U(0.5,1.5), U(0,1.5), U(-0.1,0.1) in random order.
  static ColourJitter draw(Philox& random);
  void apply(Image& image) const;
};

}  // namespace kintsugi
