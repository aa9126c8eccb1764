#include "data/strokes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "data/point.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

float squared_distance(Point p, Point a, Point b) {
  const Point d = b - a;
  const float length = d.x * d.x + d.y * d.y;
  const float t = length > 0 ? std::clamp(((p.x - a.x) * d.x + (p.y - a.y) * d.y) / length, 0.0f, 1.0f) : 0.0f;
  const Point e = p - mix(a, b, t);
  return e.x * e.x + e.y * e.y;
}

void fill_segment(Image& mask, Point a, Point b, float radius) {
  const int top = std::max(0, int(std::floor(std::min(a.y, b.y) - radius)));
  const int bottom = std::min(mask.h - 1, int(std::ceil(std::max(a.y, b.y) + radius)));
  const int left = std::max(0, int(std::floor(std::min(a.x, b.x) - radius)));
  const int right = std::min(mask.w - 1, int(std::ceil(std::max(a.x, b.x) + radius)));
  for (int y = top; y <= bottom; ++y)
    for (int x = left; x <= right; ++x)
      if (squared_distance({float(x) + 0.5f, float(y) + 0.5f}, a, b) <= radius * radius) *mask.at(y, x) = 1;
}

}  // namespace

Image stroke_mask(int h, int w, const StrokeOptions& o, Philox& random) {
  KIN_CHECK(h > 0 && w > 0, "stroke_mask: size must be positive, got ", h, "x", w);
  KIN_CHECK(o.most_strokes > 0 && o.least_corners > 1 && o.most_corners >= o.least_corners && o.least_width > 0 &&
                o.most_width >= o.least_width,
            "stroke_mask: counts and widths must be positive and ordered, got most_strokes ", o.most_strokes, ", corners [", o.least_corners,
            ",", o.most_corners, "], widths [", o.least_width, ",", o.most_width, "]");
  Image mask(h, w, 1);
  const float scale = std::sqrt(float(h) * float(w)) / 512, step = std::hypot(float(h), float(w)) / 8, deviation = std::floor(step / 2);
  constexpr float pi = std::numbers::pi_v<float>, turn = 2 * pi / 5;
  const auto pixel_centre = [](float v, int n) { return std::trunc(std::clamp(v, 0.0f, float(n - 1))) + 0.5f; };
  const int strokes = 1 + int(random.below(uint32_t(o.most_strokes)));
  for (int s = 0; s < strokes; ++s) {
    const int corners = o.least_corners + int(random.below(uint32_t(o.most_corners - o.least_corners + 1)));
    const float least = turn - random.uniform(0, pi / 6);
    const float most = turn + random.uniform(0, pi / 6);
    Point at;
    at.x = pixel_centre(float(w) * random.uniform(), w);
    at.y = pixel_centre(float(h) * random.uniform(), h);
    const float width = scale * std::trunc(random.uniform(float(o.least_width), float(o.most_width)));
    for (int i = 0; i < corners; ++i) {
      const float drawn = random.uniform(least, most), angle = i % 2 ? drawn : 2 * pi - drawn;
      const float length = std::clamp(step + deviation * random.normal(), 0.0f, 2 * step);
      const Point next{pixel_centre(at.x + length * std::cos(angle), w), pixel_centre(at.y + length * std::sin(angle), h)};
      fill_segment(mask, at, next, width / 2);
      at = next;
    }
  }
  return mask;
}

Image paint_white(const Image& image, const Image& mask) {
  KIN_CHECK(mask.h == image.h && mask.w == image.w && mask.c == 1, "paint_white: mask must be ", image.h, "x", image.w, "x1, got ",
            mask.h, "x", mask.w, "x", mask.c);
  Image out = image;
  for (size_t i = 0; i < mask.pixels.size(); ++i)
    for (int c = 0; c < image.c; ++c) {
      float& v = out.pixels[i * size_t(image.c) + size_t(c)];
      v = mask.pixels[i] > 0 ? 1.0f : std::floor(std::clamp(v, 0.0f, 1.0f) * 255.0f) / 255.0f;
    }
  return out;
}

}  // namespace kintsugi
