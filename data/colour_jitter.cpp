#include "data/colour_jitter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

float clamp01(float v) { return std::clamp(v, 0.0f, 1.0f); }
float grey(const float* p) { return 0.2989f * p[0] + 0.587f * p[1] + 0.114f * p[2]; }

void check_rgb(const Image& image) { KIN_CHECK(image.c == 3, "colour jitter: image must be RGB, got ", image.c, " channels"); }

template <class F>
void for_each_pixel(Image& image, F&& f) {
  check_rgb(image);
  for (size_t i = 0; i < image.pixels.size(); i += 3) f(&image.pixels[i]);
}

void rotate_hue(float* p, float turn) {
  const float most = std::max({p[0], p[1], p[2]}), range = most - std::min({p[0], p[1], p[2]});
  if (range == 0) return;  // greys have no hue
  const float saturation = range / most;
  // Hue in sixths of the circle from the channel that is largest (the first of equals).
  const int top = p[0] == most ? 0 : p[1] == most ? 1 : 2;
  const float hue = (float(2 * top) + (p[(top + 1) % 3] - p[(top + 2) % 3]) / range) / 6 + turn;
  const float sector = (hue - std::floor(hue)) * 6, f = sector - std::floor(sector);
  const float low = clamp01(most * (1 - saturation)), falling = clamp01(most * (1 - saturation * f)),
              rising = clamp01(most * (1 - saturation * (1 - f)));
  const float rgb[6][3] = {{most, rising, low}, {falling, most, low}, {low, most, rising},
                           {low, falling, most}, {rising, low, most}, {most, low, falling}};
  std::copy_n(rgb[int(sector) % 6], 3, p);
}

}  // namespace

void adjust_brightness(Image& image, float factor) {
  check_rgb(image);
  for (float& v : image.pixels) v = clamp01(v * factor);
}

void adjust_contrast(Image& image, float factor) {
  double sum = 0;
  for_each_pixel(image, [&](const float* p) { sum += grey(p); });
  const float mean = float(sum / double(image.pixels.size() / 3));
  for (float& v : image.pixels) v = clamp01(factor * v + (1 - factor) * mean);
}

void adjust_saturation(Image& image, float factor) {
  for_each_pixel(image, [&](float* p) {
    const float g = grey(p);
    for (int c = 0; c < 3; ++c) p[c] = clamp01(factor * p[c] + (1 - factor) * g);
  });
}

void adjust_hue(Image& image, float turn) {
  KIN_CHECK(std::abs(turn) <= 0.5f, "colour jitter: hue must be within half a turn, got ", turn);
  for_each_pixel(image, [&](float* p) { rotate_hue(p, turn); });
}

ColourJitter ColourJitter::draw(Philox& random) {
  ColourJitter j;
  j.brightness = random.uniform(0.5f, 1.5f);
  j.contrast = random.uniform(0.5f, 1.5f);
  j.saturation = random.uniform(0.0f, 1.5f);
  j.hue = random.uniform(-0.1f, 0.1f);
  for (uint32_t i = 4; i > 1; --i) std::swap(j.order[i - 1], j.order[random.below(i)]);
  return j;
}

void ColourJitter::apply(Image& image) const {
  for (int step : order) switch (step) {
      case 0: adjust_brightness(image, brightness); break;
      case 1: adjust_contrast(image, contrast); break;
      case 2: adjust_saturation(image, saturation); break;
      default: adjust_hue(image, hue);
    }
}

}  // namespace kintsugi
