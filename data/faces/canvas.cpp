#include "data/faces/canvas.h"

namespace kintsugi::faces {

Canvas::Canvas(int size, const Pose& pose)
    : size_(size), unit_(512.f / float(size)), footprint_(unit_ / pose.scale()), pose_(pose),
      where_(size_t(size) * size), colour_(where_.size()), part_(where_.size(), background), bare_(where_.size(), 1.f) {
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x)
      where_[size_t(y) * size + x] = pose.inverse({(float(x) + 0.5f) * unit_, (float(y) + 0.5f) * unit_});
}

void Canvas::bounds(const Box& box, int& x0, int& y0, int& x1, int& y1) const {
  // The pose bends straight edges a little: map a grid of the box's points and leave a margin.
  float lx = 1e9f, ly = 1e9f, hx = -1e9f, hy = -1e9f;
  for (int i = 0; i <= 4; ++i)
    for (int j = 0; j <= 4; ++j) {
      const Point p = pose_.forward({mix(box.x0, box.x1, float(i) * 0.25f), mix(box.y0, box.y1, float(j) * 0.25f)});
      lx = std::min(lx, p.x), hx = std::max(hx, p.x), ly = std::min(ly, p.y), hy = std::max(hy, p.y);
    }
  const float margin = 1.5f * unit_ + 0.02f * (hx - lx + hy - ly), s = 1 / unit_;
  auto inside = [&](float v) { return int(std::clamp(v * s, 0.f, float(size_))); };
  x0 = inside(lx - margin), y0 = inside(ly - margin);
  x1 = inside(hx + margin + unit_), y1 = inside(hy + margin + unit_);
}

void Canvas::stroke(std::span<const StrokePoint> points, float opacity, bool collect) {
  const float s = 1 / unit_, w = 1 / footprint_;
  Point before = pose_.forward(points[0].at) * s;
  for (size_t k = 1; k < points.size(); ++k) {
    const Point here = pose_.forward(points[k].at) * s;
    segment(before, here, points[k - 1].width * w, points[k].width * w, points[k - 1].colour, points[k].colour, opacity,
            collect);
    before = here;
  }
}

void Canvas::segment(Point a, Point b, float wa, float wb, Rgb ca, Rgb cb, float opacity, bool collect) {
  // Walk along the longer axis; at each step cover a span across it. Spans of neighbouring segments meet without
  // overlap because each pixel centre belongs to one half-open range.
  float dx = b.x - a.x, dy = b.y - a.y;
  const bool steep = std::fabs(dy) > std::fabs(dx);
  if (steep) std::swap(a.x, a.y), std::swap(b.x, b.y), std::swap(dx, dy);
  if (dx < 0) std::swap(a, b), std::swap(wa, wb), std::swap(ca, cb), dx = -dx, dy = -dy;
  if (dx < 1e-6f) return;
  const float inv = 1 / dx, slope = dy * inv, widen = std::sqrt(1 + slope * slope);
  const int from = std::max(0, -floor_int(0.5f - a.x)), to = std::min(size_, -floor_int(0.5f - b.x));
  for (int i = from; i < to; ++i) {
    const float t = (float(i) + 0.5f - a.x) * inv, centre = a.y + dy * t;
    const float half = 0.5f * mix(wa, wb, t) * widen;
    const float lo = centre - half, hi = centre + half;
    const int j0 = std::max(0, floor_int(lo)), j1 = std::min(size_ - 1, floor_int(hi));
    const Rgb c = mix(ca, cb, t);
    for (int j = j0; j <= j1; ++j) {
      const float cover = (std::min(hi, float(j) + 1) - std::max(lo, float(j))) * opacity;
      if (cover <= 0) continue;
      const int at = steep ? i * size_ + j : j * size_ + i;
      colour_[at] = mix(colour_[at], c, cover);
      if (collect) bare_[at] *= 1 - cover;
    }
  }
}

void Canvas::claim(Part part) {
  for (size_t i = 0; i < bare_.size(); ++i) {
    if (bare_[i] < 0.5f) part_[i] = uint8_t(part);
    bare_[i] = 1;
  }
}

}  // namespace kintsugi::faces
