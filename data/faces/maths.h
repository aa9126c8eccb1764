// Small maths of the face painter: colours in linear light, soft steps, and approximations made of + - * / and sqrt
// only, so that a face does not depend on the C library that drew it.
#pragma once
#include <algorithm>
#include <cmath>

#include "data/point.h"

namespace kintsugi::faces {

struct Rgb {
  float r = 0, g = 0, b = 0;
};
inline Rgb operator+(Rgb a, Rgb b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
inline Rgb operator*(Rgb a, Rgb b) { return {a.r * b.r, a.g * b.g, a.b * b.b}; }
inline Rgb operator*(Rgb a, float s) { return {a.r * s, a.g * s, a.b * s}; }
inline Rgb mix(Rgb a, Rgb b, float t) { return a + (b + a * -1.f) * t; }

struct Vec3 {
  float x = 0, y = 0, z = 0;
};
inline float dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 normalized(Vec3 a) {
  const float s = 1 / std::sqrt(dot(a, a));
  return {a.x * s, a.y * s, a.z * s};
}

inline float mix(float a, float b, float t) { return a + (b - a) * t; }
inline float clamp01(float t) { return t < 0 ? 0.f : t > 1 ? 1.f : t; }
/// Largest integer not above x; the library's floor is a call where the instruction set has no rounding.
inline int floor_int(float x) {
  const int i = int(x);
  return i - (float(i) > x);
}
/// 0 below lo, 1 above hi, smooth between; lo > hi gives the falling step.
inline float ramp(float lo, float hi, float x) {
  const float t = clamp01((x - lo) / (hi - lo));
  return t * t * (3 - 2 * t);
}
/// A bump of compact support: 1 at r2 = 0, 0 from r2 = 1 on, twice differentiable.
inline float bell(float r2) {
  const float t = 1 - r2;
  return t > 0 ? t * t * t : 0.f;
}
/// sin(2 pi turns), to about 1e-3.
inline float sine(float turns) {
  const float t = turns - float(floor_int(turns + 0.5f));
  const float y = 8 * t - 16 * t * std::fabs(t);
  return y + 0.225f * (y * std::fabs(y) - y);
}
inline float cosine(float turns) { return sine(turns + 0.25f); }
/// Angle of (x, y) in turns, in [-0.5, 0.5], to about 1e-3 (Rajan et al.'s rational-free arctangent).
inline float angle_turns(float y, float x) {
  const float ax = std::fabs(x), ay = std::fabs(y);
  const float t = std::min(ax, ay) / std::max(std::max(ax, ay), 1e-12f);
  float a = t * (0.125f + 0.0435f * (1 - t));
  if (ay > ax) a = 0.25f - a;
  if (x < 0) a = 0.5f - a;
  return y < 0 ? -a : a;
}
inline float power(float x, int n) {
  float y = 1;
  for (; n; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

/// sRGB transfer curve and its inverse by short fits (below 1/255 off): display values in, linear light out, and back.
inline float to_linear(float c) { return c * (c * (c * 0.305306011f + 0.682171111f) + 0.012522878f); }
inline Rgb to_linear(Rgb c) { return {to_linear(c.r), to_linear(c.g), to_linear(c.b)}; }
inline float to_display(float c) {
  const float s1 = std::sqrt(std::max(c, 0.f)), s2 = std::sqrt(s1), s3 = std::sqrt(s2);
  return clamp01(0.585122381f * s1 + 0.783140355f * s2 - 0.368262736f * s3);
}
/// A colour written as 8-bit display values.
inline Rgb srgb(int r, int g, int b) { return to_linear(Rgb{r / 255.f, g / 255.f, b / 255.f}); }

}  // namespace kintsugi::faces
