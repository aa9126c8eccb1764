// Strands of hair: their bend, colour and shading, and the dark mass they lie on.
#pragma once
#include <span>

#include "data/faces/layers.h"
#include "kernels/base/philox.h"

namespace kintsugi::faces {

/// A swing across a strand: amplitude in face units, turns over its length, phase in turns.
struct Wave {
  float amplitude = 0, turns = 0, phase = 0;
};

struct Comb {
  Comb(const Scene& scene, Philox random);

  /// One strand along smooth keys (at most 10). Its shade varies from strand to strand and in clumps of neighbours.
  void strand(std::span<const Point> keys, float width, float shade, const Wave& wave, float opacity = 0.9f);

  /// The scalp above the hairline, raised by `grow`, in the colour of hair's depths.
  void ground(float grow);
  /// What is seen behind and beside the head of a big head of hair, down to `bottom`.
  void backing(float grow, float bottom);

  /// Roots all over the scalp, from the crown down: calls grow(root, across), across in [-1, 1] from ear to ear.
  template <class Grow>
  void over_scalp(int count, float beyond, Grow&& grow) {
    for (int k = 0; k < count; ++k) {
      const float across = random.uniform(-1.06f, 1.06f), x = across * skull_w;
      const float level = (float(k) + random.uniform()) / float(count);
      // Levels run from the crown to the sideburns; each column ends at its own hairline.
      const float y = mix(person.crown_y - 2, 6.f, level);
      if (y > anatomy.hairline(x) + 3 || y < top + 6) continue;
      if (Outline::inside(anatomy.outline.at({x, y})) < -beyond) continue;
      grow(Point{x, y}, across);
    }
  }

  const Scene& scene;
  const Person& person;
  const Anatomy& anatomy;
  Philox random;
  float skull_w;  // half width of the skull
  float top;      // height of the hair's silhouette above the crown

 private:
  Vec3 normal(Point q) const;
  Rgb shaded(Point at, Point direction, Rgb colour, float t) const;
};

}  // namespace kintsugi::faces
