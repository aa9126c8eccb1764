// A position in a picture: x to the right, y down, pixel (i, j) covers [j, j+1) x [i, i+1), so its centre is at +0.5.
#pragma once

namespace kintsugi {

struct Point {
  float x = 0, y = 0;
};

inline Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
inline Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
inline Point operator*(Point a, float s) { return {a.x * s, a.y * s}; }
inline Point operator*(float s, Point a) { return a * s; }
inline Point mix(Point a, Point b, float t) { return a + (b - a) * t; }

}  // namespace kintsugi
