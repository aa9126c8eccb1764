// Lips, teeth and the dark between them; nostrils; beards.
#include <array>

#include "data/faces/layers.h"
#include "data/faces/noise.h"
#include "kernels/base/philox.h"

namespace kintsugi::faces {
namespace {

void paint_inside(const Scene& s) {
  const Mouth& m = s.anatomy.mouth;
  const float footprint = s.canvas.footprint(), half = m.half;
  s.canvas.layer({-half, m.y - 30, half, m.y + 50}, mouth, [&](Point q, Rgb& colour, int) {
    const float u = q.x / half;
    if (std::fabs(u) >= 1) return 0.f;
    const float top = m.seam_upper(u), bottom = m.seam_lower(u);
    const float cover = coverage(std::min(q.y - top, bottom - q.y), footprint);
    if (cover <= 0) return 0.f;
    const float deep = 1 - 0.55f * u * u;
    Rgb c = Rgb{0.060f, 0.016f, 0.014f} * deep;
    // Tongue: a mound at the back of an open mouth.
    const float tongue = bell(u * u * 2.2f + (q.y - bottom - 2) * (q.y - bottom - 2) / 130);
    c = mix(c, Rgb{0.30f, 0.085f, 0.075f}, 0.8f * tongue);
    // Upper teeth hang from the upper lip; widths shrink towards the sides as the arch turns away.
    const float length = std::min(0.78f * m.gap, 16.f) * (1 - 0.42f * u * u);
    const float arc = u * (1 + 0.35f * u * u) * half / 10.2f, cell = arc - float(floor_int(arc));
    const float gum = q.y - top, edge = length - 1.1f * std::fabs(cell - 0.5f) * std::fabs(cell - 0.5f) * 4;
    const float tooth = coverage(edge - gum, footprint) * ramp(0.98f, 0.72f, std::fabs(u));
    const float between = band_limit(10, footprint) * bell(std::min(cell, 1 - cell) * std::min(cell, 1 - cell) * 150);
    Rgb enamel = Rgb{0.70f, 0.66f, 0.58f} * (1 - 0.5f * u * u) * (0.45f + 0.55f * ramp(-1, 5, gum));
    enamel = enamel * (1 - 0.38f * between);
    enamel = enamel * (s.light.ambient + s.light.key_colour * 0.62f);
    enamel = enamel +
             s.light.key_colour * (0.22f * bell((cell - 0.42f) * (cell - 0.42f) * 22 + (gum - 4) * (gum - 4) * 0.09f));
    colour = mix(c, enamel, tooth);
    return cover;
  });
}

void paint_lip(const Scene& s, bool upper) {
  const Person& p = s.person;
  const Mouth& m = s.anatomy.mouth;
  const float footprint = s.canvas.footprint(), half = m.half;
  const Rgb tint = mix(p.lip_colour, s.look.makeup_colour, 0.75f * ramp(0.25f, 0.9f, s.look.makeup));
  const float wet = 0.55f + 1.1f * s.look.makeup;
  s.canvas.layer(
      {-half - 2, m.y - 40, half + 2, m.y + 60}, upper ? upper_lip : lower_lip, [&](Point q, Rgb& colour, int) {
        const float u = q.x / half;
        if (std::fabs(u) >= 1) return 0.f;
        const float y0 = upper ? m.top(u) : m.seam_lower(u), y1 = upper ? m.seam_upper(u) : m.bottom(u);
        const float thick = std::max(y1 - y0, 0.5f),
                    v = (q.y - y0) / thick;  // 0 at the top of this lip, 1 at its bottom
        // The outer border is soft, the seam is crisp.
        const float outer = upper ? q.y - y0 : y1 - q.y, inner = upper ? y1 - q.y : q.y - y0;
        const float cover = std::min(coverage(outer, std::max(footprint, 2.6f)), coverage(inner + 0.5f, footprint));
        if (cover <= 0) return 0.f;
        const float fine =
            noise(q.x * 0.52f + 0.8f * u * v, q.y * 0.07f, p.texture + 81) * band_limit(3.8f, footprint) +
            0.7f * noise(q.x * 0.24f, q.y * 0.05f, p.texture + 83) * band_limit(8.3f, footprint);
        // Both lips roll: the upper one faces down towards the seam, the lower one up at it, then down.
        const float roll = upper ? mix(-0.30f, 0.85f, v) : mix(-0.95f, 0.75f, v);
        const Vec3 n = surface_normal(0.55f * u + 0.16f * fine, -0.9f * roll, s.canvas.pose());
        const float seam_dark = 0.50f + 0.50f * ramp(-0.5f, 4.5f, inner);
        Rgb albedo = tint * (1 + 0.10f * fine) * (upper ? 0.90f : 1.f);
        albedo = mix(albedo, p.skin_tone, 0.30f * ramp(2.4f, 0, outer));
        colour = s.light.skin(albedo, n, seam_dark * (1 - 0.35f * u * u * u * u), wet * (1 + 0.8f * fine));
        return cover;
      });
}

}  // namespace

void paint_mouth(const Scene& s) {
  const Mouth& m = s.anatomy.mouth;
  if (m.gap > 1) paint_inside(s);
  paint_lip(s, true);
  paint_lip(s, false);
  // The line of the closed lips, running a little past the corners.
  const float half_line = 1.9f + (m.gap > 1 ? -1.f : 0.f);
  constexpr int kPoints = 21;
  std::array<StrokePoint, kPoints> line;
  const Rgb dark = s.person.lip_colour * Rgb{0.16f, 0.10f, 0.10f};
  for (int k = 0; k < kPoints; ++k) {
    const float u = -1.05f + 2.1f * float(k) / (kPoints - 1);
    line[k] = {{u * m.half, m.gap > 1 ? m.seam_upper(std::clamp(u, -1.f, 1.f)) : m.seam(u)},
               half_line * (1.1f - 0.75f * u * u) + 0.25f,
               dark};
  }
  s.canvas.stroke(line, 0.85f);
}

void paint_nostrils(const Scene& s) {
  const Anatomy& a = s.anatomy;
  const float footprint = s.canvas.footprint();
  const Rgb dark = s.person.skin_tone * Rgb{0.10f, 0.045f, 0.04f};
  for (float side : {-1.f, 1.f}) {
    const Point c{side * 0.44f * a.nose_w, a.nose_base.y - 4.5f};
    const float rx = 0.27f * a.nose_w, ry = 4.2f;
    s.canvas.layer(around(c, rx * 2, ry * 3), kKeepPart, [&](Point q, Rgb& colour, int) {
      const float u = (q.x - c.x) / rx, v = (q.y - c.y + side * 0.22f * (q.x - c.x) * -1.f + 1.6f * u * u) / ry;
      colour = dark;
      return 0.90f * ramp(1.25f + footprint / ry * 0.5f, 0.45f, std::sqrt(u * u + v * v));
    });
  }
}

void paint_beard(const Scene& s) {
  const Person& p = s.person;
  const Anatomy& a = s.anatomy;
  if (p.beard <= 0 && p.moustache <= 0) return;
  Philox r(p.texture, "face/beard");
  const Rgb base = mix(p.hair_colour, p.brow_colour, 0.3f);
  const Mouth& m = a.mouth;
  auto hair = [&](Point root, Point along, float opacity) {
    const float grey = r.uniform(), shade = r.uniform(0.5f, 1.35f);
    const Rgb c = base * shade + Rgb{.012f, .010f, .008f} * grey;
    const Point bend = root + along * 0.5f + Point{r.uniform(-1.6f, 1.6f), r.uniform(-1, 1)};
    const std::array<StrokePoint, 3> path = {{{root, 1.5f, c}, {bend, 1.35f, c}, {root + along, 0.3f, c}}};
    s.canvas.stroke(path, opacity);
  };
  // Roots fill the zone by rejection; order runs down the face so that upper hairs lie on lower ones' roots.
  if (p.beard > 0)
    for (int k = 0; k < 3600; ++k) {
      const float x = r.uniform(-150, 150), ax = std::fabs(x), y = p.chin_y + 4 - 215 * r.uniform();
      const float edge = mix(m.y + 2, 30.f, ramp(58, 118, ax)) + 8 * r.uniform(-1, 1);
      const Outline::Position at = a.outline.at({x, y});
      if (at.t > 1.01f || y < edge) continue;
      const float u = x / (m.half + 3);
      const bool lip = std::fabs(u) < 1 && y > m.top(u) - 3 && y < m.bottom(u) + 5;
      if (lip || (y < m.y && ax < 56)) continue;
      const float reach = (6 + 11 * p.beard * ramp(40, 190, y)) * r.uniform(0.7f, 1.2f);
      hair({x, y}, Point{0.25f * x / 100 + 0.35f * r.uniform(-1, 1), 1} * reach, 0.75f * p.beard);
    }
  if (p.moustache > 0)
    for (int k = 0; k < 700; ++k) {
      const float u = r.uniform(-1, 1), v = r.uniform();
      const float x = u * (m.half * 0.98f), edge = std::clamp(u, -0.98f, 0.98f);
      const float top = a.nose_base.y + 6 + 14 * u * u, bottom = m.top(edge) - 1;
      if (std::fabs(u) < 0.05f) continue;
      hair({x, mix(top, bottom, v)}, Point{u * 1.3f, 0.75f} * (r.uniform(6, 10)), 0.72f * p.moustache);
    }
}

}  // namespace kintsugi::faces
