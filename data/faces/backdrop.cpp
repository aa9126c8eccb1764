// What lies behind the person, out of focus: a wall, lights, foliage or panels. Drawn in picture coordinates, so that a
// turn of the head leaves it alone.
#include <array>

#include "data/faces/layers.h"
#include "data/faces/noise.h"
#include "kernels/base/philox.h"

namespace kintsugi::faces {

void paint_backdrop(const Scene& s) {
  Canvas& canvas = s.canvas;
  const Look& k = s.look;
  const int size = canvas.size();
  const float unit = 512.f / float(size);
  struct Disc {
    Point at;
    float radius;
    Rgb glow;
  };
  std::array<Disc, 26> discs;
  Philox r(k.texture, "face/bokeh");
  for (Disc& d : discs) {
    d.at = {r.uniform(-20, 532), r.uniform(-20, 532)};
    d.radius = r.uniform(12, 46);
    const Rgb tint = mix(k.backdrop_a, k.backdrop_b, r.uniform()) + Rgb{.12f, .10f, .06f};
    d.glow = tint * r.uniform(0.15f, 0.75f);
  }
  const float turn = r.uniform(-0.3f, 0.3f), panel = r.uniform(46, 120);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      const Point q{(float(x) + 0.5f) * unit, (float(y) + 0.5f) * unit};
      const float down = q.y / 512, slant = q.x / 512 + turn * down;
      const float cloudy = fractal(q.x, q.y, 260, 4, 0.5f, unit, k.texture + 7);
      Rgb c = mix(k.backdrop_a, k.backdrop_b, clamp01(0.3f * down + 0.5f * slant + 0.18f * cloudy));
      if (k.backdrop == 0) {  // plaster
        c = c * (1 + 0.10f * fractal(q.x, q.y, 24, 4, 0.8f, unit, k.texture + 9) + 0.12f * cloudy);
      } else if (k.backdrop == 1) {
        c = c * 0.45f;
        for (const Disc& d : discs) {
          const Point e = q - d.at;
          const float r2 = e.x * e.x + e.y * e.y, reach = d.radius + unit;
          if (r2 > reach * reach) continue;
          const float dist = std::sqrt(r2);
          // Lens blur: an even disc, a little brighter at its rim.
          c = c + d.glow * (clamp01((d.radius - dist) / (unit + 2) + 0.5f) *
                            (0.75f + 0.35f * ramp(0.7f, 0.98f, dist / d.radius)));
        }
      } else if (k.backdrop == 2) {
        const float leaves = fractal(q.x, q.y, 96, 4, 0.55f, unit, k.texture + 13);
        const Rgb green = mix(srgb(44, 66, 30), srgb(150, 170, 88), clamp01(0.45f + 0.55f * leaves));
        c = mix(c, green, 0.72f) * (0.8f + 0.25f * cloudy);
      } else {
        const float across = (q.x + turn * 160 * down) / panel, in = across - float(floor_int(across));
        const float tone = 0.62f + 0.30f * lattice_value(floor_int(across), 3, k.texture);
        const float gap = ramp(0, 4 / panel + unit / panel, std::min(in, 1 - in));
        const float wood = noise(q.x * 0.11f, q.y * 0.012f, k.texture + 17) +
                           0.6f * noise(q.x * 0.3f, q.y * 0.03f, k.texture + 19) * band_limit(6.6f, unit);
        c = c * ((tone + 0.12f * wood) * (0.35f + 0.65f * gap));
      }
      const float ex = q.x / 256 - 1, ey = q.y / 256 - 1;
      canvas.colour(y * size + x) = c * (0.95f - 0.13f * (ex * ex + ey * ey));
    }
}

}  // namespace kintsugi::faces
