// Glasses, hats, earrings and necklaces.
#include "data/faces/layers.h"
#include "data/faces/noise.h"

namespace kintsugi::faces {

void paint_glasses(const Scene& s) {
  if (!s.look.glasses) return;
  const Person& p = s.person;
  const float footprint = s.canvas.footprint(), thick = std::max(p.frame_thick, 0.01f);
  const float line = std::max(thick, footprint), ink = thick / line;
  const Point centre{p.eye_x + 2, 7};
  const float corner = mix(8.f, std::min(p.frame_w, p.frame_h), p.frame_round);
  // Signed distance to a rounded box, positive inside; both sides at once through |x|.
  auto lens = [&](Point q) {
    const float x = std::fabs(std::fabs(q.x) - centre.x) - (p.frame_w - corner),
                y = std::fabs(q.y - centre.y) - (p.frame_h - corner);
    const float ox = std::max(x, 0.f), oy = std::max(y, 0.f);
    return corner - std::sqrt(ox * ox + oy * oy) - std::min(std::max(x, y), 0.f);
  };
  auto arms = [&](Point q) {
    const float x = std::fabs(q.x), out = centre.x + p.frame_w;
    const float bridge = 0.5f * line - std::fabs(q.y - (centre.y - 8 - 5 * bell(x * x / 200)));
    const float temple = 0.5f * line + 0.6f - std::fabs(q.y - (centre.y - 13 + 0.06f * (x - out)));
    float d = x < centre.x - p.frame_w + 1 ? bridge : -1e3f;
    if (x > out - 2 && x < s.anatomy.ear_x + 4) d = std::max(d, temple);
    return d;
  };
  const Box box{-s.anatomy.ear_x - 8, -46, s.anatomy.ear_x + 8, 60};
  // The frame's shadow on the face, offset away from the light.
  const Point fall{-s.light.key.x * 7, 5 - s.light.key.y * 3};
  s.canvas.layer(box, kKeepPart, [&](Point q, Rgb& colour, int) {
    const float d = std::min(std::fabs(lens(q - fall)), 99.f);
    colour = colour * Rgb{0.62f, 0.56f, 0.54f};
    return 0.6f * ramp(line * 0.5f + 4, line * 0.4f, d);
  });
  s.canvas.layer(box, kKeepPart, [&](Point q, Rgb& colour, int pixel) {
    const float d = lens(q);
    if (d > -0.5f * line || arms(q) > 0) s.canvas.part(pixel) = glasses;
    // A faint film of reflected sky in two slanted bands.
    const float band = q.x * 0.6f + q.y + 30 * s.light.key.x;
    const float sheen = 0.5f * ramp(8, 14, band) * ramp(30, 24, band) + 0.3f * ramp(36, 38, band) * ramp(44, 42, band);
    colour = colour * 0.96f + s.light.ambient * (0.30f * sheen);
    return coverage(d, footprint);
  });
  s.canvas.layer(box, glasses, [&](Point q, Rgb& colour, int) {
    const float d = lens(q), rim = 0.5f * line - std::fabs(d);
    const float cover = ink * std::max(coverage(rim, footprint), coverage(arms(q), footprint));
    if (cover <= 0) return 0.f;
    const float across = 2 * d / line;
    const Vec3 n = normalized({0.5f * across, -0.7f * across, 1});
    const float h = std::max(0.f, dot(n, s.light.half));
    colour = s.light.matt(p.frame_colour, n, 1) + s.light.key_colour * (0.35f * power(h, 30));
    return cover;
  });
}

void paint_hat(const Scene& s) {
  if (!s.look.hat) return;
  const Anatomy& a = s.anatomy;
  const float footprint = s.canvas.footprint(), top = s.person.crown_y - 28;
  const float wide = a.outline.half_width(-90) + 15;
  auto brim = [&](float x) { return -100 + 26 * (x / wide) * (x / wide); };
  s.canvas.layer({-wide - 20, top - 10, wide + 20, -50}, hat, [&](Point q, Rgb& colour, int) {
    // A knitted cap: superellipse crown, turned-up cuff, ribs.
    const float u = q.x / wide, cuff = brim(q.x) - q.y, v = cuff / (brim(0) - top);
    const bool folded = cuff < 44;
    const float bulge = folded ? 1.05f : 1.f, shape = u * u / (bulge * bulge) + std::max(0.f, v) * v * v;
    const float cover = std::min(coverage((1 - shape) * 60, footprint), coverage(cuff, footprint));
    if (cover <= 0) return 0.f;
    const float turned = u * (1 + 0.35f * u * u), rib = sine(turned * 17), stitch = sine(q.y / 6.2f + 0.25f * rib);
    const float shown = band_limit(2 * wide / 17 * 0.8f, footprint);
    const Vec3 n = surface_normal(1.0f * u + 0.35f * cosine(turned * 17) * shown,
                                  -0.9f * v * v + 0.2f * stitch * band_limit(6.2f, footprint), s.canvas.pose());
    const float edge = folded ? ramp(0, 6, cuff) : 0.72f + 0.28f * ramp(44, 58, cuff);
    const Rgb wool = s.look.hat_colour * (0.88f + 0.12f * rib * shown + 0.10f * stitch * band_limit(6.2f, footprint) +
                                          0.08f * fractal(q.x, q.y, 8, 2, 0.7f, footprint, s.look.texture + 3));
    colour = s.light.matt(wool, n, 0.55f + 0.4f * edge);
    return cover;
  });
}

void paint_jewellery(const Scene& s) {
  const Anatomy& a = s.anatomy;
  const float footprint = s.canvas.footprint();
  const bool gold = s.person.texture & 2;
  const Rgb metal = gold ? Rgb{0.72f, 0.47f, 0.14f} : Rgb{0.60f, 0.61f, 0.64f};
  auto bead = [&](Point c, float radius, Part part) {
    s.canvas.layer(around(c, radius + 2, radius + 2), part, [&](Point q, Rgb& colour, int) {
      const Point d = (q - c) * (1 / radius);
      const float r2 = d.x * d.x + d.y * d.y, r = std::sqrt(r2);
      const Vec3 n = normalized({d.x, d.y, std::sqrt(std::max(0.05f, 1 - r2))});
      const float h = std::max(0.f, dot(n, s.light.half));
      colour = s.light.matt(metal * 0.7f, n, 1) + metal * (0.9f * power(h, 24)) + Rgb{1, 1, 1} * (0.5f * power(h, 90));
      return coverage((1 - r) * radius, footprint);
    });
  };
  if (s.look.earrings)
    for (float side : {-1.f, 1.f}) {
      const Point lobe{side * (a.ear_x - 1), a.ear_y + a.ear_half_h * 0.93f};
      bead(lobe, 5.5f, earring);
      if (s.person.texture & 4) bead(lobe + Point{0, 13}, 7.5f, earring);
    }
  if (s.look.necklace) {
    const float half = a.neck_w + 22, chin = s.person.chin_y;
    for (int k = -15; k <= 15; ++k) {
      const float u = float(k) / 15;
      bead({u * half, chin + 46 - 34 * u * u}, 3.6f, necklace);
    }
  }
}

}  // namespace kintsugi::faces
