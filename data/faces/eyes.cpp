// Eyeballs between the lids, lid edges, lashes and brows.
#include <array>

#include "data/faces/layers.h"
#include "data/faces/noise.h"
#include "kernels/base/philox.h"

namespace kintsugi::faces {
namespace {

Rgb iris_colour(const Person& p, Point d, float r, float footprint) {
  const float turns = angle_turns(d.y, d.x), radius = p.iris_radius, t = r / radius;
  // Fibres: noise in polar coordinates, stretched along the radius; periodic by walking a circle.
  const float cx = cosine(turns) * 9, sx = sine(turns) * 9;
  float fibre = noise(cx + 3 * t, sx - 2 * t, p.texture + 61) * band_limit(6, footprint);
  fibre += 0.7f * noise(2.3f * cx, 2.3f * sx + 2 * t, p.texture + 67) * band_limit(2.6f, footprint);
  Rgb c = p.iris * (1.15f + 0.55f * fibre);
  c = mix(c, Rgb{0.20f, 0.11f, 0.04f} * 1.2f, 0.45f * ramp(0.62f, 0.40f, t));  // collarette
  c = c * (1 - 0.72f * ramp(0.76f, 1.0f, t));                                  // limbal ring
  const float soft = std::max(footprint, 0.9f) / radius;
  return mix(c, Rgb{0.006f, 0.005f, 0.005f}, ramp(0.39f + soft, 0.39f - soft, t));
}

void paint_eyeball(const Scene& s, const Eye& e, int part) {
  const Person& p = s.person;
  const float footprint = s.canvas.footprint();
  const Point pupil = e.centre + s.look.gaze + Point{0, -1.5f};
  const float tone = 1 - 0.25f * p.melanin;
  const Box box{e.centre.x - e.half - 4, e.centre.y - 26, e.centre.x + e.half + 4, e.centre.y + 22};
  s.canvas.layer(box, part, [&](Point q, Rgb& colour, int) {
    const float u = e.along(q.x);
    if (std::fabs(u) >= 1) return 0.f;
    const float from_upper = q.y - e.upper(u), from_lower = e.lower(u) - q.y;
    const float cover = coverage(std::min(from_upper, from_lower) * 0.9f, footprint);
    if (cover <= 0) return 0.f;

    const Point d = q - pupil;
    const float r = std::sqrt(d.x * d.x + d.y * d.y);
    const Vec3 n = surface_normal((q.x - e.centre.x) / 34, (q.y - e.centre.y) / 36, s.canvas.pose());
    const float vein = fractal(q.x, q.y, 15, 3, 0.7f, footprint, p.texture + 71);
    Rgb white = Rgb{0.66f, 0.60f, 0.57f} * tone;
    white = mix(white, Rgb{0.62f, 0.36f, 0.32f},
                clamp01(0.10f + 0.20f * vein) * std::fabs(u) + 0.75f * ramp(-0.74f, -0.96f, u));
    const float ball = coverage(p.iris_radius - r, std::max(footprint, 1.3f));
    const Rgb albedo = ball > 0 ? mix(white, iris_colour(p, d, r, footprint), ball) : white;
    // The upper lid and its lashes throw a shadow; the corners are sunk.
    const float open = (0.38f + 0.62f * ramp(-1, 9, from_upper)) * (0.66f + 0.34f * ramp(1.02f, 0.55f, std::fabs(u)));
    colour = s.light.skin(albedo, n, open, 0.15f);
    // Reflections of a window: sharp, on the side of the light, and a weak wide one opposite.
    const Point spark = pupil + Point{s.light.key.x * 9 + (s.light.key.x > 0 ? 1.5f : -1.5f), s.light.key.y * 5 - 3};
    const Point w{std::fabs(q.x - spark.x), std::fabs(q.y - spark.y)};
    const float window =
        coverage(2.5f - std::max(w.x, w.y * 0.85f) - 0.3f * std::min(w.x, w.y), std::max(footprint, 0.8f));
    colour = mix(colour, s.light.key_colour * 0.95f, 0.92f * window * ramp(0, 3, from_upper));
    const Point low = q - (pupil + Point{-s.light.key.x * 7, 5.5f});
    colour = colour + s.light.ambient * (0.20f * ball * bell((low.x * low.x + low.y * low.y) / 42));
    const float tear = bell((from_lower - 1.1f) * (from_lower - 1.1f) * 0.8f) * band_limit(6, footprint);
    colour = mix(colour, p.skin_tone * Rgb{1.05f, 0.78f, 0.72f}, 0.55f * ramp(2.6f, 0.4f, from_lower));
    colour = colour + s.light.key_colour * (0.10f * tear);
    return cover;
  });
}

void paint_lids(const Scene& s, const Eye& e, Philox r) {
  const Person& p = s.person;
  const float closed = s.look.blink, dark = 0.25f + 0.75f * s.look.makeup;
  const Rgb lash = mix(p.brow_colour * 0.5f, Rgb{0.008f, 0.006f, 0.006f}, 0.65f);
  const Rgb crease = p.skin_tone * Rgb{0.42f, 0.28f, 0.25f};
  constexpr int kPoints = 15;
  std::array<StrokePoint, kPoints> line, fold, rim;
  for (int k = 0; k < kPoints; ++k) {
    const float u = -1 + 2 * float(k) / (kPoints - 1), q = std::max(0.f, 1 - u * u);
    const Point up = e.upper_at(u);
    line[k] = {up + Point{0, -0.3f}, 1.0f + (1.7f + 1.2f * dark) * std::sqrt(q) * (0.75f + 0.35f * u), lash};
    const float rise = e.fold * (0.45f + 0.55f * std::sqrt(q)) * (1 - 0.25f * closed);
    const float open_lid = e.centre.y - p.eye_up * q - e.fold * (0.3f + 0.7f * q) - p.eye_tilt * u;
    fold[k] = {{up.x - 0.5f * e.side, std::min(up.y - rise, open_lid)}, 2.4f * std::sqrt(q) + 0.1f, crease};
    rim[k] = {e.lower_at(u) + Point{0, 0.5f}, 0.5f + 1.1f * q, mix(crease, lash, 0.25f * dark)};
  }
  s.canvas.stroke(fold, e.fold > 4 ? 0.55f : 0.22f);
  s.canvas.stroke(rim, 0.5f);
  s.canvas.stroke(line, 0.90f);
  auto hair = [&](Point root, Point tip, Point bend, float width, float opacity) {
    std::array<StrokePoint, 5> path;
    for (int k = 0; k < 5; ++k) {
      const float t = float(k) / 4;
      path[k] = {mix(mix(root, bend, t), mix(bend, tip, t), t), width * (1 - 0.85f * t), lash};
    }
    s.canvas.stroke(path, opacity);
  };
  const float length = 5 + 5.5f * (1 - p.masculine) + 3 * dark;
  for (int k = 0; k < 34; ++k) {
    const float u = -0.82f + 1.80f * (float(k) + r.uniform()) / 34;
    const float reach = length * (0.55f + 0.45f * ramp(-0.9f, 0.7f, u)) * r.uniform(0.75f, 1.1f);
    const Point root = e.upper_at(std::min(u, 0.98f));
    const Point out{e.side * (0.25f + 0.75f * u) * reach, (-0.72f + 1.1f * closed) * reach};
    hair(root, root + out, root + Point{out.x * 0.65f, out.y * 0.25f + 0.8f}, 1.25f, 0.85f);
  }
  for (int k = 0; k < 20; ++k) {
    const float u = -0.55f + 1.5f * (float(k) + r.uniform()) / 20, reach = 0.42f * length * r.uniform(0.6f, 1.f);
    const Point root = e.lower_at(std::min(u, 0.97f)) + Point{0, 0.8f};
    const Point out{e.side * (0.1f + 0.6f * u) * reach, 0.9f * reach};
    hair(root, root + out, root + out * 0.5f, 0.75f, 0.55f);
  }
}

}  // namespace

void paint_eyes(const Scene& s) {
  for (int k = 0; k < 2; ++k) {
    const Eye& e = s.anatomy.eyes[k];
    // Colour on the lids above the eye.
    s.canvas.layer(around({e.centre.x, e.centre.y - 9}, e.half + 14, 24), kKeepPart, [&](Point q, Rgb& colour, int) {
      const float u = (q.x - e.centre.x) / (e.half + 12), v = (q.y - e.centre.y + 8) / 19;
      colour = colour *
               mix(Rgb{1, 1, 1}, mix(Rgb{.55f, .38f, .36f}, s.look.makeup_colour * 1.6f, 0.35f), 0.85f * s.look.makeup);
      return bell(u * u + v * v);
    });
    paint_eyeball(s, e, k ? right_eye : left_eye);
    paint_lids(s, e, Philox(s.person.texture, "face/lashes", uint64_t(k)));
  }
}

void paint_brows(const Scene& s) {
  const Person& p = s.person;
  for (int k = 0; k < 2; ++k) {
    const Brow& b = s.anatomy.brows[k];
    Philox r(p.texture, "face/brow", uint64_t(k));
    const float x0 = std::min(b.inner.x, b.inner.x + b.side * b.length), x1 = x0 + b.length;
    // A soft ground under the hairs; it also carries the class.
    s.canvas.layer({x0 - 6, b.inner.y - 40, x1 + 6, b.inner.y + 22}, k ? right_brow : left_brow,
                   [&](Point q, Rgb& colour, int pixel) {
                     const float u = (q.x - b.inner.x) * b.side / b.length;
                     if (u < -0.05f || u > 1.02f) return 0.f;
                     const float d = std::fabs(q.y - b.middle(u).y), half = b.half_width(u) + 0.6f;
                     if (d < half) s.canvas.part(pixel) = uint8_t(k ? right_brow : left_brow);
                     colour = colour * mix(Rgb{1, 1, 1}, p.brow_colour * 1.2f + p.skin_tone * 0.3f, 0.9f);
                     return 0.58f * p.brow_density * ramp(half + 2.5f, half - 3.5f, d);
                   });
    const int hairs = int(210 * p.brow_density) + 60;
    for (int j = 0; j < hairs; ++j) {
      const float u = std::min(1.f, r.uniform() * 1.02f), v = r.uniform(-1, 1), half = b.half_width(u);
      const Point root = b.middle(u) + Point{0, half * v * 0.9f + 0.5f};
      // Upright at the inner end, lying along the brow further out; lower hairs point up, upper ones down.
      const float upright =
          mix(1.2f, -0.12f, ramp(-0.10f, 0.42f, u)) - 0.45f * v * -1.f * ramp(0.1f, 0.5f, u) + 0.25f * r.uniform(-1, 1);
      const float reach =
          mix(8.5f, 12, u) * r.uniform(0.65f, 1.1f) * (0.6f + 0.05f * b.thick) * (1 - 0.4f * ramp(0.8f, 1, u));
      const float inv = 1 / std::sqrt(1 + upright * upright);
      const Point along = Point{b.side * inv, -upright * inv + 0.22f * ramp(0.45f, 1, u)} * reach;
      const Rgb c = p.brow_colour * r.uniform(0.55f, 1.25f);
      const std::array<StrokePoint, 3> hair = {
          {{root, 1.5f, c}, {root + along * 0.55f + Point{0, -0.4f}, 1.2f, c}, {root + along, 0.3f, c}}};
      s.canvas.stroke(hair, 0.78f);
    }
  }
}

}  // namespace kintsugi::faces
