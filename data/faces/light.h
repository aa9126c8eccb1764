// Shading: one key light, an ambient sky, skin with a hint of light passing through, strands after Kajiya and Kay.
#pragma once
#include "data/faces/maths.h"
#include "data/faces/person.h"
#include "data/faces/pose.h"

namespace kintsugi::faces {

/// A surface z = h(x, y) of the face frame with slopes hx, hy, as a normal seen in the picture (x right, y down,
/// z to the viewer).
inline Vec3 surface_normal(float hx, float hy, const Pose& pose) {
  return normalized(pose.turn_normal(normalized({-hx, -hy, 1})));
}

struct Light {
  Vec3 key, half;
  Rgb key_colour, ambient;

  explicit Light(const Look& look)
      : key(look.key), half(normalized(look.key + Vec3{0, 0, 1})), key_colour(look.key_colour), ambient(look.ambient) {}

  Rgb sky(Vec3 n) const { return ambient * (0.78f - 0.22f * n.y); }

  /// Matt surfaces: cloth, walls.
  Rgb matt(Rgb albedo, Vec3 n, float open) const {
    return albedo * (sky(n) * open + key_colour * (std::max(0.f, dot(n, key)) * open));
  }

  /// Skin and lips. `open` in [0, 1]: how much light reaches the point; gloss scales the highlight.
  Rgb skin(Rgb albedo, Vec3 n, float open, float gloss) const {
    const float facing = dot(n, key);
    // Light that enters beside a point leaves it too, red farthest: the terminator is soft and warm.
    auto through = [&](float wrap) {
      const float d = clamp01((facing + wrap) / (1 + wrap));
      return d * (0.45f + 0.55f * d);
    };
    const float warm = open * (1 - open);
    const Rgb reach{open + 0.30f * warm, open + 0.04f * warm, open};
    Rgb c = albedo * reach * (sky(n) + key_colour * Rgb{through(0.42f), through(0.24f), through(0.18f)});
    const float h = std::max(0.f, dot(n, half)), h4 = power(h, 4), h12 = h4 * h4 * h4;
    const float shine = gloss * open * (0.040f * h12 + 0.075f * power(h12, 4));
    const float rim = power(clamp01(1 - n.z), 4) * 0.10f * open;
    return c + key_colour * shine + ambient * rim;
  }

  /// A strand of hair with unit tangent t on a surface with normal n.
  Rgb strand(Rgb albedo, Vec3 t, Vec3 n, float gloss) const {
    const float tl = dot(t, key), th = dot(t, half);
    const float diffuse = std::sqrt(std::max(0.f, 1 - tl * tl)) * clamp01(0.35f + 0.75f * dot(n, key));
    const float across = std::sqrt(std::max(0.f, 1 - th * th));
    const float wide = power(across, 24);
    const float shine = gloss * clamp01(0.2f + dot(n, key)) * (0.10f * wide + 0.16f * power(wide, 4));
    return albedo * (sky(n) * 0.9f + key_colour * diffuse) +
           key_colour * mix(Rgb{1, 1, 1}, albedo * 2.2f, 0.6f) * shine;
  }
};

}  // namespace kintsugi::faces
