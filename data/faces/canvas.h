// The painter's surface: colours in linear light, a class per pixel, and where each pixel lies in the face frame.
// Two primitives paint on it: layers, shaders evaluated per pixel inside a box of the face frame, and strokes, thin
// lines with analytic coverage.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "data/faces/maths.h"
#include "data/faces/part.h"
#include "data/faces/pose.h"

namespace kintsugi::faces {

constexpr int kKeepPart = -1;  // the layer changes colours only

struct Box {
  float x0, y0, x1, y1;
};
inline Box around(Point c, float rx, float ry) { return {c.x - rx, c.y - ry, c.x + rx, c.y + ry}; }

/// A point of a stroke: place in the face frame, full width in face units, colour.
struct StrokePoint {
  Point at;
  float width;
  Rgb colour;
};

class Canvas {
 public:
  Canvas(int size, const Pose& pose);

  int size() const { return size_; }
  /// Width of a pixel in face units; the filter width of every edge and texture.
  float footprint() const { return footprint_; }
  const Pose& pose() const { return pose_; }
  const Point& face_point(int i) const { return where_[i]; }

  /// shader(Point face, Rgb& colour, int pixel) -> opacity in [0, 1]; colour comes in as what is there.
  template <class Shader>
  void layer(const Box& box, int part, Shader&& shader) {
    int x0, y0, x1, y1;
    bounds(box, x0, y0, x1, y1);
    for (int y = y0; y < y1; ++y)
      for (int i = y * size_ + x0; i < y * size_ + x1; ++i) {
        Rgb c = colour_[i];
        const float opacity = shader(where_[i], c, i);
        if (opacity <= 0) continue;
        colour_[i] = opacity >= 1 ? c : mix(colour_[i], c, opacity);
        if (part != kKeepPart && opacity >= 0.5f) part_[i] = uint8_t(part);
      }
  }
  /// Pixels [x0, x1) x [y0, y1) that the box of the face frame can touch.
  void bounds(const Box& box, int& x0, int& y0, int& x1, int& y1) const;

  /// A line through the points; its colour and width run linearly between them. `collect`: also adds to the mass that
  /// claim() turns into a class.
  void stroke(std::span<const StrokePoint> points, float opacity, bool collect = false);
  /// Gives `part` to pixels that collected strokes cover by half, and starts collecting anew.
  void claim(Part part);

  Rgb& colour(int i) { return colour_[i]; }
  uint8_t& part(int i) { return part_[i]; }

 private:
  void segment(Point a, Point b, float wa, float wb, Rgb ca, Rgb cb, float opacity, bool collect);

  int size_;
  float unit_, footprint_;  // picture units (of 512) per pixel; face units per pixel
  Pose pose_;
  std::vector<Point> where_;
  std::vector<Rgb> colour_;
  std::vector<uint8_t> part_;
  std::vector<float> bare_;  // what collected strokes leave uncovered
};

/// Coverage of a pixel by the inside of an edge at signed distance d (positive inside), both in face units.
inline float coverage(float d, float footprint) { return clamp01(d / footprint + 0.5f); }

}  // namespace kintsugi::faces
