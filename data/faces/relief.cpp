#include "data/faces/relief.h"

#include <array>

#include "data/faces/noise.h"

namespace kintsugi::faces {

void Relief::bump(Point c, float rx, float ry, float amplitude) {
  const float ix = 1 / rx, iy = 1 / ry;
  visit(around(c, rx, ry), [&](Point p, Cell& cell) {
    const float u = (p.x - c.x) * ix, v = (p.y - c.y) * iy, t = 1 - u * u - v * v;
    if (t <= 0) return;
    const float k = -6 * amplitude * t * t;
    cell.hx += k * u * ix;
    cell.hy += k * v * iy;
  });
}

void Relief::shade(Point c, float rx, float ry, float amount) {
  const float ix = 1 / rx, iy = 1 / ry;
  visit(around(c, rx, ry), [&](Point p, Cell& cell) {
    const float u = (p.x - c.x) * ix, v = (p.y - c.y) * iy;
    cell.open *= 1 - amount * bell(u * u + v * v);
  });
}

void Relief::crease(std::span<const Point> keys, float width, float depth) {
  constexpr int kPieces = 10;
  std::array<Point, kPieces + 1> path;
  Box box{1e9f, 1e9f, -1e9f, -1e9f};
  const float half = 0.5f * width;
  for (int k = 0; k <= kPieces; ++k) {
    const Point p = path[k] = curve_point(keys, float(k) / kPieces);
    box = {std::min(box.x0, p.x - half), std::min(box.y0, p.y - half), std::max(box.x1, p.x + half),
           std::max(box.y1, p.y + half)};
  }
  visit(box, [&](Point p, Cell& cell) {
    float best = half * half, along = 0;
    Point away{};
    for (int k = 0; k < kPieces; ++k) {
      const Point e = path[k + 1] - path[k], d = p - path[k];
      const float t = clamp01((d.x * e.x + d.y * e.y) / (e.x * e.x + e.y * e.y + 1e-9f));
      const Point r = d - e * t;
      const float d2 = r.x * r.x + r.y * r.y;
      if (d2 < best) best = d2, away = r, along = (float(k) + t) / kPieces;
    }
    const float t = 1 - best / (half * half);
    if (t <= 0) return;
    const float strength = depth * 4 * along * (1 - along) * (1.3f - along * 0.3f);
    const float k = 6 * strength * t * t / (half * half);
    cell.hx += k * away.x;
    cell.hy += k * away.y;
    cell.open *= 1 - std::min(0.5f, std::max(0.f, strength) * 0.045f) * t * t * t;
  });
}

void Relief::nose_ridge(const Anatomy& a, const Person& p) {
  const float tip = a.nose_tip.y, base = a.nose_base.y, scale = p.nose_height;
  auto height = [&](float y) {
    const float ridge = 5 + 11 * ramp(-14, 36, y) + 13 * ramp(10, tip - 4, y);
    return scale * ridge * ramp(-50, 0, y) * (1 - ramp(tip - 6, base + 4, y));
  };
  auto width = [&](float y) { return p.bridge_w * 1.5f + 12 * ramp(-8, -40, y) + 14 * ramp(14, tip - 4, y); };
  visit({-64, -52, 64, base + 5}, [&](Point q, Cell& cell) {
    const float h = height(q.y), w = width(q.y), u2 = q.x * q.x / (w * w), t = 1 - u2;
    if (t <= 0 || h <= 0) return;
    const float dh = height(q.y + 0.5f) - height(q.y - 0.5f), dw = width(q.y + 0.5f) - width(q.y - 0.5f);
    cell.hx += h * -6 * t * t * q.x / (w * w);
    cell.hy += dh * t * t * t + h * 6 * t * t * u2 / w * dw;
  });
}

namespace {

void sculpt_middle(Relief& r, const Person& p, const Look& look, const Anatomy& a) {
  const float tip = a.nose_tip.y, base = a.nose_base.y, my = a.mouth.y;
  const float under = a.mouth.bottom(0);
  r.bump({0, -104}, 128, 84, 7);  // forehead
  r.bump({0, -32}, 32, 30, 4);    // glabella
  r.nose_ridge(a, p);
  r.bump({0, tip + 2}, 0.95f * a.nose_w, 29, 9 + 2 * p.masculine);     // tip
  r.bump({0, base - 3}, 11, 14, 3);                                    // columella
  r.bump({0, my - 4}, 92, 64, 13);                                     // muzzle
  r.bump({0, base + 0.45f * (a.mouth.top(0) - base)}, 10, 24, -3.2f);  // philtrum
  r.bump({0, under + 11}, 54, 17, -6);                                 // hollow under the lip
  r.bump({0, p.chin_y - 30}, 54, 38, 11 + 3 * p.masculine);
  r.shade({0, base + 6}, 50, 20, 0.30f);
  r.shade({0, under + 7}, 46, 13, 0.34f);
  r.shade({0, -4}, 26, 30, 0.12f);
  // The nose's own shadow, on the side away from the light and below.
  const float turn = look.key.x;
  r.shade({-turn * 46, tip - 2 - look.key.y * 14}, 34, 38, 0.55f * std::min(1.f, std::fabs(turn) * 1.6f));
  r.shade({-turn * 14, base + 10}, 40, 24, 0.30f * std::max(0.f, -look.key.y));
}

void sculpt_side(Relief& r, const Person& p, const Look& look, const Anatomy& a, int k) {
  const Eye& e = a.eyes[k];
  const float s = e.side, x = std::fabs(e.centre.x), happy = std::max(0.f, look.smile), tip = a.nose_tip.y,
              w = a.nose_w;
  r.bump({s * (x - 2), -7}, 54, 42, -18);                              // socket
  r.bump({s * (x - 32), -8}, 22, 30, -8);                              // its inner corner
  r.bump({s * (x - 4), -36}, 76, 28, 7.5f + 4 * p.masculine);          // brow ridge
  r.bump({e.centre.x, e.centre.y + 0.5f}, 42, 29, 12);                 // eyeball under the lids
  r.bump({s * (x + 2), 25}, 44, 18, 1.5f + 3.5f * p.age + 2 * happy);  // lower lid and bag
  r.bump({s * (x + 26), 50}, 78, 60, 16 + 4 * (1 - p.masculine));      // cheekbone
  r.bump({s * (x + 10), 62}, 52, 42, 11 * happy);                      // cheek raised by a smile
  r.bump({s * 100, 116}, 52, 66, -9 + 6 * ramp(100, 125, p.jaw_w));    // hollow of the cheek
  r.bump({s * 120, -70}, 48, 62, -8);                                  // temple
  r.bump({s * (w - 10), tip + 8}, 22, 21, 13);                         // wing of the nose
  r.bump({s * (a.mouth.half + 6), a.mouth.seam(1)}, 15, 15, -4 - 3 * happy);
  r.shade({s * (x - 29), -7}, 28, 34, 0.34f);
  r.shade({s * x, -17}, 52, 20, 0.30f);
  r.shade({s * (w + 3), tip + 6}, 13, 22, 0.22f);
  r.shade({s * (a.mouth.half + 4), a.mouth.seam(1)}, 14, 13, 0.25f);
  const std::array<Point, 3> wing = {
      {{s * (w - 9), tip - 20}, {s * (w + 1), tip + 4}, {s * (w - 8), a.nose_base.y + 3}}};
  r.crease(wing, 14, 3.6f);
  const std::array<Point, 3> fold = {
      {{s * (w - 2), tip - 12}, {s * (w + 21), tip + 26}, {s * (a.mouth.half + 16), a.mouth.y + 18}}};
  r.crease(fold, 22, 0.6f + 3.2f * p.age + 3.6f * happy);
  const std::array<Point, 3> bag = {{{s * (x - 30), 12}, {s * (x - 6), 26}, {s * (x + 28), 22}}};
  r.crease(bag, 12, 0.6f + 2.6f * p.age);
  if (e.fold > 2) {
    std::array<Point, 5> lid;
    for (int j = 0; j < 5; ++j) {
      const float u = -0.92f + 0.48f * float(j);
      lid[j] = e.upper_at(std::min(u, 0.99f)) + Point{0, -e.fold * (1 - 0.3f * u * u)};
      lid[j].y = std::min(lid[j].y, e.centre.y - 0.75f * p.eye_up - e.fold * 0.6f + 6 * u * u);
    }
    r.crease(lid, 8, 2.6f);
  }
  const float lines = p.age * 1.6f + 0.8f * happy * p.age;
  for (int j = 0; j < 3 && p.age > 0.25f; ++j) {  // crow's feet
    const float d = float(j - 1);
    const std::array<Point, 3> foot = {
        {{s * (x + 32), 2 + 5 * d}, {s * (x + 44), 4 + 10 * d}, {s * (x + 56), 9 + 17 * d}}};
    r.crease(foot, 6, lines);
  }
}

void sculpt_forehead_lines(Relief& r, const Person& p, const Look& look) {
  const float depth = 2.4f * clamp01(p.age - 0.2f) + 1.6f * std::max(0.f, look.brow_raise) * p.age;
  if (depth < 0.2f) return;
  for (int j = 0; j < 3; ++j) {
    const float y = -66 - 19 * float(j), bend = 4 * noise(float(j) * 1.7f, 0.5f, p.texture);
    const std::array<Point, 5> line = {
        {{-74, y + 6 + bend}, {-38, y - 2}, {0, y + 4 - bend}, {38, y - 3}, {74, y + 6}}};
    r.crease(line, 9, depth);
  }
}

}  // namespace

void sculpt(Relief& r, const Person& p, const Look& look, const Anatomy& a) {
  sculpt_middle(r, p, look, a);
  for (int k = 0; k < 2; ++k) sculpt_side(r, p, look, a, k);
  sculpt_forehead_lines(r, p, look);
}

}  // namespace kintsugi::faces
