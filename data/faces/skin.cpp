// Head, ears and neck: albedo from tone, blood, marks and stubble; normals from dome, relief and pores.
#include "data/faces/layers.h"
#include "data/faces/noise.h"

namespace kintsugi::faces {
namespace {

/// Pores and fine unevenness as slopes, from octaves that this picture can hold.
struct Grain {
  float hx = 0, hy = 0, value = 0;
};
Grain skin_grain(Point q, float strength, float footprint, uint32_t seed) {
  Grain g;
  static constexpr float kWave[4] = {26, 12, 6.5f, 3.6f};
  static constexpr float kSlope[4] = {0.020f, 0.032f, 0.055f, 0.065f};
  for (int k = 0; k < 4; ++k) {
    const float shown = band_limit(kWave[k], footprint);
    if (shown <= 0) break;
    const float f = 2 / kWave[k];
    // Octaves are rotated against each other so that their lattices do not line up.
    const float c = k & 1 ? 0.8f : 1.f, s = k & 1 ? 0.6f : 0.f;
    const NoiseSample n = noise_slope((c * q.x + s * q.y) * f, (c * q.y - s * q.x) * f, seed + uint32_t(k) * 77u);
    const float a = kSlope[k] * strength * shown;
    g.hx += a * (c * n.dx - s * n.dy);
    g.hy += a * (s * n.dx + c * n.dy);
    g.value += shown * n.value;
  }
  return g;
}

/// Opacity of small round spots scattered over a jittered grid.
float scattered_spots(Point q, float cell, float density, float radius, float footprint, uint32_t seed) {
  const int ci = floor_int(q.x / cell), cj = floor_int(q.y / cell);
  float sum = 0;
  for (int j = cj - 1; j <= cj + 1; ++j)
    for (int i = ci - 1; i <= ci + 1; ++i) {
      const uint32_t h = lattice_hash(i, j, seed);
      if (float(h & 255) > density * 256) continue;
      const Point at{(float(i) + float((h >> 8) & 255) / 256) * cell, (float(j) + float((h >> 16) & 255) / 256) * cell};
      const float true_radius = radius * (0.6f + 0.8f * float(h >> 24) / 256);
      // A spot smaller than a pixel is drawn as wide as one and as much fainter.
      const float r = std::max(true_radius, 0.9f * footprint);
      const Point d = q - at;
      sum += bell((d.x * d.x + d.y * d.y) / (r * r * 2)) * (true_radius * true_radius) / (r * r);
    }
  return std::min(sum, 1.f);
}

float spot(Point q, Point c, float rx, float ry) {
  const float u = (q.x - c.x) / rx, v = (q.y - c.y) / ry;
  return bell(u * u + v * v);
}

/// 1 where a beard grows: jaw, chin and above the lip, with a soft edge along the cheek.
float beard_zone(Point q, const Anatomy& a) {
  const float x = std::fabs(q.x);
  const float edge = mix(a.mouth.y - 18, 26.f, ramp(50, 122, x));
  const float jaw = ramp(edge - 8, edge + 18, q.y) * ramp(20, 60, x + 1.6f * std::max(0.f, q.y - a.mouth.y));
  const float lip =
      ramp(a.nose_base.y + 2, a.nose_base.y + 10, q.y) * ramp(66, 50, x) * ramp(a.mouth.y + 30, a.mouth.y, q.y);
  return std::max(jaw, lip);
}

Rgb blend_blood(Rgb albedo, float amount) {
  return albedo * Rgb{1 + 0.05f * amount, 1 - 0.17f * amount, 1 - 0.15f * amount};
}

}  // namespace

void paint_head(const Scene& s, const Relief& relief) {
  const Person& p = s.person;
  const Anatomy& a = s.anatomy;
  const float footprint = s.canvas.footprint(), tip = a.nose_tip.y;
  const bool hair_shades = p.style != HairStyle::bald && p.style != HairStyle::buzz;
  const float grey_beard = 0.5f + 0.5f * p.hair_grey;
  const Rgb shadow_of_beard = mix(p.skin_tone * Rgb{0.55f, 0.62f, 0.70f}, p.hair_colour, 0.35f * grey_beard);

  auto shader = [&](Point q, Rgb& colour, int pixel) {
    const Outline::Position at = a.outline.at(q);
    const float cover = coverage(Outline::inside(at), footprint);
    if (cover <= 0) return 0.f;

    // Dome h = D sqrt(1 - t^2.25): flat in front, steep at the outline.
    constexpr float kDome = 118;
    const float t = std::min(at.t, 0.985f), quarter = std::sqrt(std::sqrt(t));
    const float steep = -1.125f * kDome * t * quarter / std::sqrt(1 - t * t * quarter);
    const Grain grain = skin_grain(q, p.pores, footprint, p.texture);
    const Relief::Cell& cell = relief[pixel];
    const Vec3 n =
        surface_normal(steep * at.dx + cell.hx + grain.hx, steep * at.dy + cell.hy + grain.hy, s.canvas.pose());

    const float x = std::fabs(q.x);
    const Point m{x, q.y};  // mirrored: marks that both sides share
    float blood = 0.55f * p.blotchy * fractal(q.x, q.y, 70, 4, 0.6f, footprint, p.texture + 11);
    blood += (0.35f + 0.9f * p.ruddy) * spot(m, {84, 66}, 70, 56);
    blood += (0.5f + 0.5f * p.ruddy) * spot(q, {0, tip + 2}, 52, 34) + 0.5f * spot(q, {0, p.chin_y - 22}, 60, 34);
    blood += 0.55f * spot(m, {63, -8}, 48, 26);
    Rgb albedo = blend_blood(p.skin_tone, blood);
    albedo = albedo * (1 + 0.045f * fractal(q.x, q.y, 28, 4, 0.75f, footprint, p.texture + 23) + 0.03f * grain.value);
    albedo = mix(albedo, albedo * Rgb{0.74f, 0.66f, 0.72f}, (0.30f + 0.5f * p.age) * spot(m, {56, 20}, 36, 16));
    albedo = mix(albedo, blend_blood(albedo, 2.2f), s.look.makeup * 0.7f * spot(m, {96, 52}, 56, 38));
    if (p.freckled > 0) {
      const float where = spot(m, {62, 44}, 92, 62) + spot(q, {0, 40}, 44, 60) + 0.25f * spot(q, {0, -90}, 130, 70);
      if (where > 0.02f) {
        const float spots = scattered_spots(q, 7.5f, 0.62f * std::min(1.f, where), 1.7f, footprint, p.texture + 5);
        albedo = mix(albedo, p.skin_tone * Rgb{0.60f, 0.44f, 0.34f}, 0.62f * p.freckled * spots);
      }
    }
    for (const Mole& mole : p.moles) {
      const float r = std::max(mole.radius, 0.8f * footprint),
                  d2 = (q.x - mole.at.x) * (q.x - mole.at.x) + (q.y - mole.at.y) * (q.y - mole.at.y);
      if (d2 < 4 * r * r)
        albedo = mix(albedo, p.skin_tone * Rgb{0.32f, 0.22f, 0.19f},
                     mole.strength * bell(d2 / (3 * r * r)) * mole.radius * mole.radius / (r * r));
    }
    if (p.stubble > 0) {
      const float zone = beard_zone(q, a);
      if (zone > 0) {
        const float dots = 0.5f + 0.9f * noise(q.x * 0.62f, q.y * 0.62f, p.texture + 31) * band_limit(3.2f, footprint);
        albedo = mix(albedo, shadow_of_beard, clamp01(zone * (0.55f * p.stubble * dots + 0.25f * p.beard)));
      }
    }
    const float gloss = p.glossy *
                        (0.45f + 0.9f * spot(q, {0, tip - 6}, 26, 64) + 0.6f * spot(q, {0, -92}, 100, 66) +
                         0.5f * spot(m, {84, 34}, 44, 34)) *
                        (1 + 0.3f * grain.value);
    float open = cell.open;
    if (hair_shades) open *= 1 - 0.38f * ramp(30, -4, q.y - a.hairline(q.x));
    open *= 1 - 0.28f * ramp(0.86f, 1.0f, at.t) * ramp(-30, 60, q.y);
    colour = s.light.skin(albedo, n, open, std::max(0.f, gloss));
    return cover;
  };
  const Box box{-190, p.crown_y - 8, 190, p.chin_y + 8};
  s.canvas.layer(box, skin, shader);

  // The nose is its own class; it is already painted.
  s.canvas.layer({-60, -12, 60, a.nose_base.y + 6}, nose, [&](Point q, Rgb&, int pixel) {
    if (s.canvas.part(pixel) != skin) return 0.f;
    const float down = q.y / a.nose_base.y;
    const float half = mix(9.f, 16.f, ramp(0, 0.6f, down)) + (a.nose_w + 2 - 16) * ramp(0.52f, 0.88f, down);
    const float bottom = a.nose_base.y + 2 - 8 * (q.x / a.nose_w) * (q.x / a.nose_w);
    return q.y > -8 && q.y < bottom && std::fabs(q.x) < half ? 1.f : 0.f;
  });
}

void paint_ears(const Scene& s) {
  const Anatomy& a = s.anatomy;
  const Person& p = s.person;
  const float footprint = s.canvas.footprint();
  for (int k = 0; k < 2; ++k) {
    const float side = k ? 1.f : -1.f;
    const Point c{side * a.ear_x, a.ear_y};
    auto shader = [&](Point q, Rgb& colour, int) {
      // Tilted outwards at the top, narrower at the lobe.
      const float v = (q.y - c.y) / a.ear_half_h,
                  u = (side * (q.x - c.x) + 5 * v) / (a.ear_half_w * (1.12f - 0.30f * v));
      const float r2 = u * u + v * v, r = std::sqrt(r2);
      const float cover = coverage((1 - r) * a.ear_half_w * 0.9f, footprint);
      if (cover <= 0) return 0.f;
      // Helix: a rim with a groove inside it, and the bowl towards the face.
      const float rim = 2.2f * (ramp(0.62f, 0.80f, r) - 1.9f * ramp(0.84f, 1.02f, r));
      const float bowl = bell(((u + 0.25f) * (u + 0.25f) * 4 + (v - 0.15f) * (v - 0.15f) * 5));
      const Vec3 n = surface_normal(side * (-u * rim * 0.8f + 0.5f), -v * rim * 0.6f + 0.15f, s.canvas.pose());
      const float speckle = fractal(q.x, q.y, 16, 3, 0.7f, footprint, p.texture + 41);
      const Rgb albedo = blend_blood(p.skin_tone, 1.1f + 0.5f * speckle) * (1 + 0.05f * speckle);
      colour = s.light.skin(albedo, n, (1 - 0.62f * bowl) * (0.74f + 0.26f * ramp(-0.7f, 0.5f, u)), 0.4f * p.glossy);
      return cover;
    };
    s.canvas.layer(around(c, a.ear_half_w * 1.7f, a.ear_half_h * 1.1f), k ? right_ear : left_ear, shader);
  }
}

void paint_neck_and_cloth(const Scene& s) {
  const Anatomy& a = s.anatomy;
  const Person& p = s.person;
  const float footprint = s.canvas.footprint(), chin = p.chin_y;
  auto neck_half = [&](float y) { return a.neck_w + 26 * ramp(chin - 6, chin + 66, y) + 8 * ramp(150, 90, y); };
  s.canvas.layer({-170, 90, 170, 420}, neck, [&](Point q, Rgb& colour, int) {
    const float half = neck_half(q.y), cover = coverage(half - std::fabs(q.x), footprint);
    if (cover <= 0) return 0.f;
    const float u = q.x / half;
    // Two cords and the hollow between the collarbones.
    const float cord = 0.35f * (bell((std::fabs(u) - 0.42f) * (std::fabs(u) - 0.42f) * 30)) * (u > 0 ? 1.f : -1.f);
    const Grain grain = skin_grain(q, p.pores, footprint, p.texture + 3);
    const Vec3 n = surface_normal(1.35f * u * u * u + 0.25f * u + cord + grain.hx, -0.12f + grain.hy, s.canvas.pose());
    const float below_chin = (q.y - chin) + 46 * u * u;
    const float open = 0.30f + 0.62f * ramp(-8, 74 + 20 * s.light.key.y, below_chin);
    const float line = 0.06f * (bell((below_chin - 22 - 3 * u) * (below_chin - 22 - 3 * u) * 0.12f));
    const float mottle = fractal(q.x, q.y, 60, 4, 0.6f, footprint, p.texture + 47);
    colour = s.light.skin(blend_blood(p.skin_tone, 0.4f * mottle) * (0.97f - line), n, open, 0.25f * p.glossy);
    return cover;
  });

  // Cloth: shoulders with a round or V collar, woven.
  const bool v_neck = p.texture & 1;
  const Rgb base = s.look.cloth_colour;
  s.canvas.layer({-420, 190, 420, 460}, cloth, [&](Point q, Rgb& colour, int) {
    const float x = std::fabs(q.x), top = a.shoulder(q.x);
    const float collar = v_neck ? chin + 78 - 0.62f * x : chin + 40 - x * x / 260;
    const float edge = x < a.neck_w + 24 ? std::max(collar, chin + 4) : std::max(top, collar);
    const float cover = coverage((q.y - edge) * 0.85f, footprint);
    if (cover <= 0) return 0.f;
    const float slope = -0.9f + 0.9f * ramp(0, 50, q.y - edge);
    const float crumple_x = 0.5f * fractal(q.x, q.y, 90, 3, 0.6f, footprint, s.look.texture + 1);
    const Vec3 n = surface_normal(q.x * 0.003f + crumple_x, slope * 0.6f + 0.5f * crumple_x, s.canvas.pose());
    Rgb albedo = base;
    if (s.look.cloth_pattern == 1)
      albedo = mix(albedo, albedo * 0.35f + Rgb{.25f, .25f, .25f},
                   clamp01(0.5f + 2.5f * sine(q.y / 21) * band_limit(21, footprint)));
    if (s.look.cloth_pattern == 2)
      albedo = albedo * (0.85f + 0.3f * std::fabs(sine(q.x / 16 + 0.12f * sine(q.y / 6))) * band_limit(8, footprint));
    if (s.look.cloth_pattern == 3)
      albedo = albedo * (0.75f + 0.25f * (clamp01(0.5f + 4 * sine(q.x / 34)) + clamp01(0.5f + 4 * sine(q.y / 34))));
    const float weave = sine(q.x / 4.4f) * sine(q.y / 4.4f) * band_limit(4.4f, footprint);
    albedo = albedo * (1 + 0.12f * weave + 0.08f * fractal(q.x, q.y, 13, 2, 0.7f, footprint, s.look.texture + 2));
    const float hem = bell((q.y - edge - 6) * (q.y - edge - 6) * 0.10f);
    colour = s.light.matt(albedo, n, 0.92f - 0.35f * hem);
    return cover;
  });
}

}  // namespace kintsugi::faces
