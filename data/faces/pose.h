// From the face frame to the picture and back. Face frame: origin between the eyes, x to the right of the picture,
// y down, one unit = one pixel of the 512-pixel aligned picture (about half a millimetre).
// A turn of the head moves each point by a smooth depth profile, so every layer of the drawing turns with it.
#pragma once
#include <span>

#include "data/faces/maths.h"

namespace kintsugi::faces {

class Pose {
 public:
  /// Turns of the head in radians (small: |yaw| <= 0.35, |pitch| <= 0.2).
  Pose(float yaw, float pitch) : yaw_(yaw), pitch_(pitch) {}

  /// Towards the viewer, of the face surface; only its shape matters here, shading has a finer one.
  static float depth(float x, float y) {
    const float dome = std::max(0.f, 1 - (x * x * (1 / 40000.f) + (y - 10) * (y - 10) * (1 / 96100.f)));
    const float nose = bell(x * x * (1 / 2000.f) + (y - 58) * (y - 58) * (1 / 4000.f));
    return 125 * dome * dome + 32 * nose;
  }

  /// Finds the similarity (least squares) that brings the turned `from` points onto `to`, both in 512-pixel units.
  void align(std::span<const Point> from, std::span<const Point> to);
  /// An extra similarity in picture units about the picture's centre: the imperfection of real alignment.
  void jitter(float roll, float scale, Point shift);

  /// Face frame -> picture of 512 pixels.
  Point forward(Point c) const {
    const Point q = turn(c);
    return {a_ * q.x - b_ * q.y + shift_.x, b_ * q.x + a_ * q.y + shift_.y};
  }
  /// Picture of 512 pixels -> face frame, by fixed-point iteration (the depth profile is flat enough to contract).
  Point inverse(Point p) const {
    const float px = p.x - shift_.x, py = p.y - shift_.y, n = 1 / (a_ * a_ + b_ * b_);
    const Point q{(a_ * px + b_ * py) * n, (a_ * py - b_ * px) * n};
    Point c = q;
    for (int k = 0; k < 6; ++k) {
      const float z = depth(c.x, c.y) - kAxis;
      c = {q.x - z * yaw_, q.y + z * pitch_};
    }
    return c;
  }
  /// Length in the picture of one face unit.
  float scale() const { return std::sqrt(a_ * a_ + b_ * b_); }
  /// A normal of the unturned face, seen in the picture.
  Vec3 turn_normal(Vec3 n) const { return {n.x + yaw_ * n.z, n.y - pitch_ * n.z, n.z - yaw_ * n.x + pitch_ * n.y}; }

 private:
  static constexpr float kAxis = 70;  // the head turns about an axis this deep, so that eyes stay about where they are
  Point turn(Point c) const {
    const float z = depth(c.x, c.y) - kAxis;
    return {c.x + z * yaw_, c.y - z * pitch_};
  }
  float yaw_, pitch_;
  float a_ = 1, b_ = 0;  // similarity: x' = a x - b y + shift.x, y' = b x + a y + shift.y
  Point shift_{256, 240};
};

}  // namespace kintsugi::faces
