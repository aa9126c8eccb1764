#include "data/faces/anatomy.h"

namespace kintsugi::faces {

Point curve_point(std::span<const Point> keys, float t) {
  const int n = int(keys.size()) - 1;
  const float at = clamp01(t) * float(n);
  const int k = std::min(int(at), n - 1);
  const float s = at - float(k), s2 = s * s, s3 = s2 * s;
  const Point b = keys[k], c = keys[k + 1];
  const Point a = k > 0 ? keys[k - 1] : b * 2 - c, d = k + 2 <= n ? keys[k + 2] : c * 2 - b;
  return (b * 2 + (c - a) * s + (a * 2 - b * 5 + c * 4 - d) * s2 + (b * 3 - a - c * 3 + d) * s3) * 0.5f;
}

Outline::Outline(const Person& p) {
  // Right half from the crown to the chin. The chin's flatness and the jaw's corner make most of a head's character.
  const float chin = p.chin_y, crown = p.crown_y;
  const std::array<Point, 12> keys = {{{0, crown},
                                       {0.47f * p.forehead_w, crown * 0.94f},
                                       {0.84f * p.forehead_w, crown * 0.71f},
                                       {p.forehead_w, -96},
                                       {0.5f * (p.forehead_w + p.cheek_w) + 3, -40},
                                       {p.cheek_w, 24},
                                       {p.cheek_w - 5, 74},
                                       {p.jaw_w, mix(24.f, chin, 0.60f)},
                                       {0.72f * p.jaw_w, mix(24.f, chin, 0.81f)},
                                       {0.5f * (p.chin_w + 0.46f * p.jaw_w) + 4, chin - 13},
                                       {0.52f * p.chin_w, chin - 1.5f},
                                       {0, chin}}};
  // Walk the curve finely and note the radius at each direction passed; then two passes of smoothing take out the
  // kinks that the notes' spacing leaves.
  std::array<float, kEntries + 1> found;
  int next = 0;
  constexpr int kSteps = 3000;
  for (int i = 0; i <= kSteps; ++i) {
    const Point d = curve_point(keys, float(i) / kSteps) - kCentre;
    const float turns = angle_turns(d.y, std::max(d.x, 0.f)) + 0.25f;  // 0 at the crown, 0.5 at the chin
    while (next <= kEntries && float(next) * (0.5f / kEntries) <= turns + 1e-6f)
      found[next++] = std::sqrt(d.x * d.x + d.y * d.y);
  }
  while (next <= kEntries) found[next++] = chin - kCentre.y;
  for (int pass = 0; pass < 3; ++pass) {
    const auto before = found;
    for (int i = 0; i <= kEntries; ++i) {
      auto note = [&](int k) { return before[k < 0 ? -k : k > kEntries ? 2 * kEntries - k : k]; };
      found[i] = 0.15f * (note(i - 2) + note(i + 2)) + 0.22f * (note(i - 1) + note(i + 1)) + 0.26f * note(i);
    }
  }
  std::copy(found.begin(), found.end(), radius_.begin());
  radius_[kEntries + 1] = radius_[kEntries - 1];
}

Outline::Position Outline::at(Point p) const {
  const float x = p.x - kCentre.x, y = p.y - kCentre.y, r = std::sqrt(x * x + y * y) + 1e-4f;
  const float entry = (angle_turns(y, std::fabs(x)) + 0.25f) * (2.f * kEntries);
  const int k = std::min(int(entry), kEntries);
  const float s = entry - float(k), slope = radius_[k + 1] - radius_[k];
  const float radius = radius_[k] + slope * s, per_radian = slope * (2.f * kEntries / 6.2831853f);
  // t = r / R(angle): radial slope 1 / R, tangential slope -R' / R^2 (towards the chin, mirrored on the left).
  const float radial = 1 / radius, around = -per_radian * radial * radial * (x < 0 ? -1.f : 1.f);
  const float ex = x / r, ey = y / r;
  return {r * radial, radial * ex - around * ey, radial * ey + around * ex};
}

Point Outline::point(float turns) const {
  const float c = cosine(turns), s = sine(turns);
  const Position here = at(kCentre + Point{c, s} * 100.f);
  const float radius = 100 / here.t;
  return kCentre + Point{c, s} * (radius / std::sqrt(c * c + s * s));
}

float Outline::half_width(float y) const {
  float lo = 0, hi = 260;
  for (int k = 0; k < 20; ++k) {
    const float middle = 0.5f * (lo + hi);
    (at({middle, y}).t < 1 ? lo : hi) = middle;
  }
  return lo;
}

Anatomy::Anatomy(const Person& p, const Look& look) : outline(p) {
  const float smile = look.smile, happy = std::max(0.f, smile);
  for (int k = 0; k < 2; ++k) {
    const float side = k ? 1.f : -1.f, lid = 1 - look.blink;
    Eye& e = eyes[k];
    e = {side, {side * p.eye_x, 0}, p.eye_w, 0, 0, p.eye_tilt, p.fold};
    // A closed lid comes to rest on the lower one; a smile lifts the lower lid.
    e.low = p.eye_low * (1 - 0.28f * happy);
    e.up = mix(-e.low + 1.2f, p.eye_up * (1 + 0.16f * std::max(0.f, look.brow_raise) - 0.10f * happy), lid);
    Brow& b = brows[k];
    b = {side,
         {side * (p.eye_x - 0.66f * p.brow_length), p.brow_y - 5 * look.brow_raise + 3},
         p.brow_length * 1.72f,
         p.brow_arch + 2.f * look.brow_raise,
         p.brow_thick,
         -3 + 2 * p.masculine};
  }
  mouth.half = p.mouth_w * (1 + 0.17f * happy - 0.10f * look.open * (1 - happy));
  mouth.lift = 12.5f * smile + 1.5f;
  mouth.y = p.mouth_y + 3 * happy;
  mouth.gap = look.open * (12 + 11 * happy);
  mouth.up = p.lip_up * (1 - 0.22f * happy);
  mouth.low = p.lip_low * (1 - 0.14f * happy);
  mouth.bow = p.bow;
  nose_w = p.nose_w * (1 + 0.10f * happy);
  nose_tip = {0, p.nose_tip_y - happy};
  nose_base = {0, p.nose_tip_y + 17 - happy};
  neck_w = mix(66.f, 92.f, p.masculine);
  ear_half_w = 15;
  ear_half_h = p.ear_h;
  ear_y = 22;
  ear_x = outline.half_width(ear_y) + p.ear_out - 6;
  hairline_y_ = p.hairline_y;
  temple_ = p.temple;
  hairline_w_ = outline.half_width(-60);
}

float Anatomy::hairline(float x) const {
  const float u = std::fabs(x) / hairline_w_;
  // Flat over the forehead, receding at the temples, then down to the sideburns.
  const float recess = temple_ * 34 * bell((u - 0.62f) * (u - 0.62f) * 9);
  return hairline_y_ + 16 * u * u - recess + (60 * ramp(0.70f, 0.93f, u) + 120 * ramp(0.90f, 1.06f, u));
}

float Anatomy::shoulder(float x) const {
  const float u = std::max(0.f, std::fabs(x) - neck_w);
  return 226 + 0.55f * u - 0.0011f * u * u;
}

std::array<Point, 68> Anatomy::landmarks() const {
  std::array<Point, 68> m;
  // Jaw: 17 points from ear to ear through the chin, evenly over the angle below the eyes.
  for (int k = 0; k <= 16; ++k) m[k] = outline.point(0.5f - (-0.022f + 0.544f * float(k) / 16));
  for (int k = 0; k < 5; ++k) {
    const float u = float(k) / 4;
    m[17 + k] = brows[0].middle(1 - u) + Point{0, -0.6f * brows[0].half_width(1 - u)};
    m[22 + k] = brows[1].middle(u) + Point{0, -0.6f * brows[1].half_width(u)};
  }
  for (int k = 0; k < 4; ++k) m[27 + k] = mix(Point{0, 2}, nose_tip, float(k) / 3);
  for (int k = 0; k < 5; ++k) {
    const float u = float(k - 2) / 2;
    m[31 + k] = {0.72f * nose_w * u, nose_base.y - 4 * u * u};
  }
  const Eye &left = eyes[0], &right = eyes[1];
  m[36] = left.upper_at(1), m[37] = left.upper_at(0.36f), m[38] = left.upper_at(-0.36f), m[39] = left.upper_at(-1);
  m[40] = left.lower_at(-0.36f), m[41] = left.lower_at(0.36f);
  m[42] = right.upper_at(-1), m[43] = right.upper_at(-0.36f), m[44] = right.upper_at(0.36f), m[45] = right.upper_at(1);
  m[46] = right.lower_at(0.36f), m[47] = right.lower_at(-0.36f);
  auto lip = [&](float u, float y) { return Point{u * mouth.half, y}; };
  static constexpr float kTop[7] = {-1, -0.62f, -0.24f, 0, 0.24f, 0.62f, 1};
  for (int k = 0; k < 7; ++k) m[48 + k] = lip(kTop[k], k % 6 ? mouth.top(kTop[k]) : mouth.seam(1));
  static constexpr float kBottom[5] = {0.66f, 0.33f, 0, -0.33f, -0.66f};
  for (int k = 0; k < 5; ++k) m[55 + k] = lip(kBottom[k], mouth.bottom(kBottom[k]));
  static constexpr float kInner[5] = {-0.86f, -0.36f, 0, 0.36f, 0.86f};
  for (int k = 0; k < 5; ++k) m[60 + k] = lip(kInner[k], mouth.seam_upper(kInner[k]));
  for (int k = 0; k < 3; ++k) m[65 + k] = lip(0.36f * float(1 - k), mouth.seam_lower(0.36f * float(1 - k)));
  return m;
}

std::array<Point, 5> Anatomy::alignment() const {
  return {eyes[0].centre, eyes[1].centre, nose_tip, Point{-mouth.half, mouth.seam(1)},
          Point{mouth.half, mouth.seam(1)}};
}

}  // namespace kintsugi::faces
