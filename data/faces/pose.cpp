#include "data/faces/pose.h"

namespace kintsugi::faces {

void Pose::align(std::span<const Point> from, std::span<const Point> to) {
  const float n = float(from.size());
  Point mean_from, mean_to;
  for (size_t i = 0; i < from.size(); ++i) {
    mean_from = mean_from + turn(from[i]) * (1 / n);
    mean_to = mean_to + to[i] * (1 / n);
  }
  // Umeyama in the plane: the best rotation and scale are a complex ratio of sums.
  float along = 0, across = 0, spread = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const Point f = turn(from[i]) - mean_from, t = to[i] - mean_to;
    along += f.x * t.x + f.y * t.y;
    across += f.x * t.y - f.y * t.x;
    spread += f.x * f.x + f.y * f.y;
  }
  a_ = along / spread;
  b_ = across / spread;
  shift_ = {mean_to.x - (a_ * mean_from.x - b_ * mean_from.y), mean_to.y - (b_ * mean_from.x + a_ * mean_from.y)};
}

void Pose::jitter(float roll, float scale, Point shift) {
  // Small angles: cos and sin to third order, renormalised by the scale factor.
  const float s = roll - roll * roll * roll / 6, c = std::sqrt(1 - s * s);
  const float a = scale * c, b = scale * s;
  const Point centred{shift_.x - 256, shift_.y - 256};
  shift_ = Point{a * centred.x - b * centred.y + 256, b * centred.x + a * centred.y + 256} + shift;
  const float a0 = a_, b0 = b_;
  a_ = a * a0 - b * b0;
  b_ = a * b0 + b * a0;
}

}  // namespace kintsugi::faces
