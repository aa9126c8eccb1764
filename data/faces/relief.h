// The finer shape of a face as a height field over the face frame: bumps and creases on the dome of the head. Each adds
// its exact slope to the pixels it touches, so the relief is the same at every size.
#pragma once
#include <span>
#include <vector>

#include "data/faces/anatomy.h"
#include "data/faces/canvas.h"

namespace kintsugi::faces {

class Relief {
 public:
  explicit Relief(const Canvas& canvas) : canvas_(canvas), cells_(size_t(canvas.size()) * canvas.size()) {}

  struct Cell {
    float hx = 0, hy = 0;  // slopes of the height field
    float open = 1;        // share of light that is not blocked nearby
  };

  /// A compact bump (or hollow, amplitude < 0) with radii rx, ry.
  void bump(Point centre, float rx, float ry, float amplitude);
  /// A groove of this depth (ridge where negative) and full width along a smooth curve, fading out at its ends.
  void crease(std::span<const Point> keys, float width, float depth);
  /// Darkens around a point: less light gets there.
  void shade(Point centre, float rx, float ry, float amount);
  /// The nose: a ridge whose height and width vary down the face.
  void nose_ridge(const Anatomy& a, const Person& p);

  const Cell& operator[](int pixel) const { return cells_[pixel]; }

 private:
  template <class F>
  void visit(const Box& box, F&& f) {
    int x0, y0, x1, y1;
    canvas_.bounds(box, x0, y0, x1, y1);
    for (int y = y0; y < y1; ++y)
      for (int i = y * canvas_.size() + x0; i < y * canvas_.size() + x1; ++i) f(canvas_.face_point(i), cells_[i]);
  }
  const Canvas& canvas_;
  std::vector<Cell> cells_;
};

/// Everything that gives this person under this expression and light its relief.
void sculpt(Relief& relief, const Person& person, const Look& look, const Anatomy& anatomy);

}  // namespace kintsugi::faces
