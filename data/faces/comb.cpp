#include "data/faces/comb.h"

#include <array>

#include "data/faces/noise.h"

namespace kintsugi::faces {

Comb::Comb(const Scene& s, Philox r)
    : scene(s), person(s.person), anatomy(s.anatomy), random(r), skull_w(anatomy.outline.half_width(-70)),
      top(person.crown_y - person.hair_volume) {}

void Comb::strand(std::span<const Point> keys, float width, float shade, const Wave& wave, float opacity) {
  constexpr int kMost = 22;
  float length = 0;
  for (size_t k = 1; k < keys.size(); ++k)
    length += std::fabs(keys[k].x - keys[k - 1].x) + std::fabs(keys[k].y - keys[k - 1].y);
  const int n = std::clamp(std::max(int(length / 14), 2 * int(keys.size())), 4, kMost);

  Rgb own = person.hair_colour * (shade * random.uniform(0.62f, 1.30f));
  const bool turned_grey = random.uniform() < person.hair_grey * 0.5f;
  if (turned_grey && person.style != HairStyle::curly) own = mix(own, Rgb{.45f, .44f, .42f}, 0.4f);

  std::array<Point, kMost> line;
  for (int k = 0; k < n; ++k) line[k] = curve_point(keys, float(k) / float(n - 1));
  std::array<StrokePoint, kMost> path;
  for (int k = 0; k < n; ++k) {
    const float t = float(k) / float(n - 1);
    const Point d = line[std::min(k + 1, n - 1)] - line[std::max(k - 1, 0)];
    const float inv = 1 / std::sqrt(d.x * d.x + d.y * d.y + 1e-6f);
    const float swing = wave.amplitude * ramp(0, 0.5f, t) * sine(wave.turns * t + wave.phase);
    path[k].at = line[k] + Point{-d.y * inv, d.x * inv} * swing;
    path[k].width = width * (1 - 0.75f * std::max(0.f, 4 * t - 3));
    const Point direction = k ? path[k].at - path[k - 1].at : d;
    path[k].colour = shaded(path[k].at, direction, own, t);
  }
  scene.canvas.stroke(std::span(path).first(size_t(n)), opacity, true);
}

void Comb::ground(float grow) {
  const Rgb dark = person.hair_colour * 0.34f;
  scene.canvas.layer({-230, top - 30, 230, 40}, hair, [&](Point q, Rgb& colour, int) {
    const float rough = 5 * noise(q.x * 0.13f, q.y * 0.13f, person.texture + 91);
    const float body =
        Outline::inside(anatomy.outline.at(q)) + grow * ramp(-30, -110, q.y) + 0.35f * rough + 2 * ramp(0, -60, q.y);
    const float above = anatomy.hairline(q.x) - q.y + 0.5f * rough - 3;
    colour = scene.light.matt(dark, normal(q), 0.9f);
    return std::min(coverage(body, scene.canvas.footprint()), ramp(-3, 7, above));
  });
}

void Comb::backing(float grow, float bottom) {
  const Rgb dark = person.hair_colour * 0.30f;
  scene.canvas.layer({-260, top - grow - 30, 260, bottom + 30}, hair, [&](Point q, Rgb& colour, int) {
    const float rough = 14 * noise(q.x * 0.05f, q.y * 0.05f, person.texture + 93) +
                        6 * noise(q.x * 0.14f, q.y * 0.14f, person.texture + 94);
    const float taper = 0.25f + 0.75f * ramp(bottom + 20, bottom - 110, q.y);
    const float body = Outline::inside(anatomy.outline.at(q)) + grow * taper + rough;
    colour = scene.light.matt(dark, normal(q), 0.85f);
    return coverage(std::min(body, bottom + rough - q.y), scene.canvas.footprint());
  });
}

Vec3 Comb::normal(Point q) const {
  const float u = q.x / (skull_w + person.hair_volume + 12), v = std::min(-(q.y + 40) / (top + 40), 0.25f);
  const float r2 = std::min(u * u + v * v, 0.96f);
  return normalized(scene.canvas.pose().turn_normal({u, v, std::sqrt(1 - r2) + 0.05f}));
}

Rgb Comb::shaded(Point at, Point direction, Rgb colour, float t) const {
  const Vec3 n = normal(at);
  const float inv = 1 / std::sqrt(direction.x * direction.x + direction.y * direction.y + 1e-6f);
  Vec3 tangent{direction.x * inv, direction.y * inv, 0};
  tangent.z = -(n.x * tangent.x + n.y * tangent.y) / std::max(n.z, 0.3f);
  const float clump = 1 + 0.28f * noise(at.x * 0.05f, at.y * 0.018f, person.texture + 95);
  const float root = 0.62f + 0.38f * ramp(0, 0.3f, t);
  return scene.light.strand(colour * (clump * root), normalized(tangent), n, 0.75f);
}

}  // namespace kintsugi::faces
