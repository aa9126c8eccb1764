// Where the parts of one face lie, in the face frame: head outline, lids, brows, nose, lips under this expression.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "data/faces/person.h"

namespace kintsugi::faces {

/// The closed outline of the head (ears and hair excluded), a radius for every direction from a centre in the face.
class Outline {
 public:
  explicit Outline(const Person& person);

  struct Position {
    float t;       // 0 at the centre, 1 on the outline
    float dx, dy;  // its slope
  };
  Position at(Point p) const;
  /// Signed distance to the outline, positive inside (first order).
  static float inside(const Position& s) { return (1 - s.t) / std::sqrt(s.dx * s.dx + s.dy * s.dy + 1e-12f); }
  /// The outline's point in direction `turns` (0 = to the right, 0.25 = down).
  Point point(float turns) const;
  /// Half width of the outline at this height.
  float half_width(float y) const;

  static constexpr Point kCentre{0, 22};

 private:
  static constexpr int kEntries = 256;  // over half a turn: the outline is symmetric
  std::array<float, kEntries + 2> radius_;
};

/// One eye; u runs along the lids from -1 (inner corner) to +1 (outer corner).
struct Eye {
  float side;  // -1: left in the picture, +1: right
  Point centre;
  float half, up, low, tilt, fold;
  float along(float x) const { return (x - centre.x) * side / half; }
  float upper(float u) const { return centre.y - lift(u) - up * arch(u - 0.10f * (1 - u * u)); }
  float lower(float u) const { return centre.y - lift(u) + low * arch(u + 0.12f * (1 - u * u)); }
  Point upper_at(float u) const { return {centre.x + side * half * u, upper(u)}; }
  Point lower_at(float u) const { return {centre.x + side * half * u, lower(u)}; }

 private:
  float lift(float u) const { return tilt * u; }
  static float arch(float u) {
    const float q = std::max(0.f, 1 - u * u);
    return 0.45f * q + 0.55f * std::sqrt(q);
  }
};

/// One brow; u from 0 (inner end) to 1 (outer end).
struct Brow {
  float side;
  Point inner;
  float length, arch, thick, slope;
  Point middle(float u) const {
    return {inner.x + side * length * u, inner.y + slope * u - arch * 4 * u * (1.22f - u) * 0.67f + 7 * u * u * u};
  }
  float half_width(float u) const { return 0.5f * thick * ramp(-0.22f, 0.22f, u) * (1 - 0.80f * u * u); }
};

/// The mouth; u from -1 (left corner in the picture) to +1.
struct Mouth {
  float y, half, lift, gap, up, low, bow;
  float seam(float u) const {
    return y - lift * u * u + 1.6f * bell(u * u * 9) - 0.8f * bell((std::fabs(u) - 0.5f) * (std::fabs(u) - 0.5f) * 9);
  }
  float seam_upper(float u) const { return seam(u) - 0.22f * gap * (1 - u * u); }
  float seam_lower(float u) const { return seam(u) + 0.78f * gap * (1 - u * u * u * u); }
  float top(float u) const {
    const float a = std::fabs(u);
    return seam_upper(u) - up * ((1 - a) * (1 + 0.95f * a) - bow * bell(u * u * 22));
  }
  float bottom(float u) const {
    const float q = std::max(0.f, 1 - u * u);
    return seam_lower(u) + low * q * (1 + 0.45f * u * u);
  }
};

struct Anatomy {
  Anatomy(const Person& person, const Look& look);

  Outline outline;
  std::array<Eye, 2> eyes;
  std::array<Brow, 2> brows;
  Mouth mouth;
  Point nose_tip, nose_base;
  float nose_w;

  /// Height of the front hairline at this x.
  float hairline(float x) const;
  /// Shoulders and neck: half width of the neck, height of the shoulder line at this x.
  float neck_w;
  float shoulder(float x) const;
  float ear_x;
  float ear_half_w, ear_half_h, ear_y;

  /// iBUG's 68 points in the face frame.
  std::array<Point, 68> landmarks() const;
  /// Eye centres, nose tip, mouth corners, in the face frame.
  std::array<Point, 5> alignment() const;

 private:
  float hairline_y_, temple_, hairline_w_;
};

/// Smooth curve through the keys (Catmull-Rom), t in [0, 1] over the whole of it.
Point curve_point(std::span<const Point> keys, float t);

}  // namespace kintsugi::faces
