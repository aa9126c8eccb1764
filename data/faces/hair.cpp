// Hair, strand by strand over a dark ground. A style is a rule for where strands are rooted and how they run.
#include <array>

#include "data/faces/layers.h"
#include "data/faces/noise.h"
#include "kernels/base/philox.h"

namespace kintsugi::faces {
namespace {

struct Wave {
  float amplitude = 0, turns = 0, phase = 0;
};

class Comb {
 public:
  Comb(const Scene& s, Philox random)
      : s_(s), p_(s.person), a_(s.anatomy), r(random), skull_w_(a_.outline.half_width(-70)),
        top_(p_.crown_y - p_.hair_volume) {}

  /// One strand along smooth keys. Colour varies from strand to strand and in clumps of neighbours.
  void strand(std::span<const Point> keys, float width, float shade, const Wave& wave, float opacity = 0.9f) {
    constexpr int kMost = 22;
    std::array<StrokePoint, kMost> path;
    float length = 0;
    for (size_t k = 1; k < keys.size(); ++k) length += std::fabs(keys[k].x - keys[k - 1].x) + std::fabs(keys[k].y - keys[k - 1].y);
    const int n = std::clamp(std::max(int(length / 14), 2 * int(keys.size())), 4, kMost);
    const Rgb own = p_.hair_colour * (shade * r.uniform(0.62f, 1.30f));
    const Rgb silver = mix(own, Rgb{.45f, .44f, .42f}, p_.style != HairStyle::curly && r.uniform() < p_.hair_grey * 0.5f ? 0.4f : 0.f);
    Point before = curve_point(keys, 0), direction{0, 1};
    for (int k = 0; k < n; ++k) {
      const float t = float(k) / float(n - 1);
      Point at = curve_point(keys, t);
      const Point ahead = curve_point(keys, std::min(1.f, t + 0.5f / float(n)));
      const Point behind = curve_point(keys, std::max(0.f, t - 0.5f / float(n)));
      const float dx = ahead.x - behind.x, dy = ahead.y - behind.y, inv = 1 / std::sqrt(dx * dx + dy * dy + 1e-6f);
      const float swing = wave.amplitude * ramp(0, 0.5f, t) * sine(wave.turns * t + wave.phase);
      at = at + Point{-dy * inv, dx * inv} * swing;
      if (k) direction = at - before;
      else direction = ahead - behind;
      before = at;
      const float taper = t < 0.75f ? 1.f : 1 - 0.75f * (t - 0.75f) * 4;
      path[k] = {at, width * taper, shaded(at, direction, silver, t)};
    }
    s_.canvas.stroke(std::span(path).first(size_t(n)), opacity, true);
  }

  /// The scalp and everything the hair's body hides, in the colour of hair's depths.
  void ground(float grow) {
    const float footprint = s_.canvas.footprint();
    const Rgb dark = p_.hair_colour * 0.34f;
    s_.canvas.layer({-230, top_ - 30, 230, 40}, hair, [&](Point q, Rgb& colour, int) {
      const Outline::Position at = a_.outline.at(q);
      const float rough = 5 * noise(q.x * 0.13f, q.y * 0.13f, p_.texture + 91);
      const float body = Outline::inside(at) + grow * ramp(-30, -110, q.y) + 0.35f * rough + 2 * ramp(0, -60, q.y);
      const float above = a_.hairline(q.x) - q.y + 0.5f * rough - 3;
      const float cover = std::min(coverage(body, footprint), ramp(-3, 7, above));
      colour = s_.light.matt(dark, normal(q), 0.9f);
      return cover;
    });
  }

  /// What is seen behind and beside the head of a big head of hair.
  void backing(float grow, float bottom) {
    const Rgb dark = p_.hair_colour * 0.30f;
    s_.canvas.layer({-260, top_ - grow - 30, 260, bottom + 30}, hair, [&](Point q, Rgb& colour, int) {
      const float rough = 14 * noise(q.x * 0.05f, q.y * 0.05f, p_.texture + 93) + 6 * noise(q.x * 0.14f, q.y * 0.14f, p_.texture + 94);
      const float body = Outline::inside(a_.outline.at(q)) + grow * (0.25f + 0.75f * ramp(bottom + 20, bottom - 110, q.y)) + rough;
      colour = s_.light.matt(dark, normal(q), 0.85f);
      return coverage(std::min(body, bottom + rough - q.y), s_.canvas.footprint());
    });
  }

  /// Fills the scalp with roots from the top down (or from the hairline up) and calls grow(root, across in [-1, 1]).
  template <class Grow>
  void over_scalp(int count, bool top_first, float grow_out, Grow&& grow) {
    for (int k = 0; k < count; ++k) {
      const float across = r.uniform(-1.06f, 1.06f), x = across * skull_w_, from = top_ + 6, to = a_.hairline(x) + 3;
      const float level = (float(k) + r.uniform()) / float(count);
      // Equal-count levels from the crown to the sideburns; columns end at their own hairline.
      const float y = mix(p_.crown_y - 2, 6.f, top_first ? level : 1 - level);
      if (y > to || y < from) continue;
      if (Outline::inside(a_.outline.at({x, y})) < -grow_out) continue;
      grow(Point{x, y}, across);
    }
  }

  Vec3 normal(Point q) const {
    const float u = q.x / (skull_w_ + p_.hair_volume + 12), v = (q.y + 40) / (top_ + 40) * -1.f, up = std::min(v, 0.25f);
    const float r2 = std::min(u * u + up * up, 0.96f);
    return normalized(s_.canvas.pose().turn_normal({u, up, std::sqrt(1 - r2) + 0.05f}));
  }

  Rgb shaded(Point at, Point direction, Rgb colour, float t) const {
    const Vec3 n = normal(at);
    const float inv = 1 / std::sqrt(direction.x * direction.x + direction.y * direction.y + 1e-6f);
    Vec3 tangent{direction.x * inv, direction.y * inv, 0};
    tangent.z = -(n.x * tangent.x + n.y * tangent.y) / std::max(n.z, 0.3f);
    const float clump = 1 + 0.28f * noise(at.x * 0.05f, at.y * 0.018f, p_.texture + 95);
    const float root = 0.62f + 0.38f * ramp(0, 0.3f, t);
    return s_.light.strand(colour * (clump * root), normalized(tangent), n, 0.75f);
  }

  const Scene& s_;
  const Person& p_;
  const Anatomy& a_;
  Philox r;
  float skull_w_, top_;
};

Wave wave_of(Comb& c, float strength) {
  return {strength * c.r.uniform(0.7f, 1.3f), c.r.uniform(1.6f, 2.4f), c.r.uniform(-0.2f, 0.2f)};
}

/// Strands from the parting over the side of the head and down; s = 0 beside the face, 1 at the silhouette.
void curtain(Comb& c, float side, int count, float length, float tuck, float curl) {
  const Person& p = c.p_;
  const float w = c.a_.outline.half_width(-20), vol = p.hair_volume + 6, part = p.part_x;
  for (int k = 0; k < count; ++k) {
    const float s = clamp01(1 - (float(k) + c.r.uniform()) / float(count) + 0.10f * c.r.uniform(-1, 1));
    const float front = c.a_.hairline(part) + 2, back = c.top_ + 4;
    const Point root{part + side * c.r.uniform(0, 4) + 5 * c.r.uniform(-1, 1), mix(front, back, std::min(1.f, s * 1.15f))};
    const float end = length * c.r.uniform(0.93f, 1.04f), wide = w + vol;
    // The silhouette over the skull is an ellipse from the top to the temples.
    const Point shoulder{side * mix(0.66f * w, 0.70f * wide, s), mix(c.a_.hairline(0.6f * w) - 2, -62 + 0.72f * (c.top_ + 62), s)};
    const Point temple{side * mix(0.97f * w - 6, wide - 4, s), mix(-44.f, -62.f, s)};
    const Point ear{side * mix(w - 3 + 8 * tuck, wide + 6, s), 52};
    const Point jaw{side * mix(w - 6, wide + 4, s), mix(52.f, end, 0.55f)};
    const Point tip{side * (mix(w - 18, wide - 4, s) - 16 * curl * c.r.uniform()), end};
    const std::array<Point, 6> keys = {root, mix(root, shoulder, 0.55f) + Point{0, -6 - 12 * s}, shoulder, temple, ear, mix(jaw, tip, 0.5f)};
    std::array<Point, 7> all;
    std::copy(keys.begin(), keys.end(), all.begin());
    all[6] = tip;
    Wave wave = wave_of(c, p.style == HairStyle::wavy ? 8.f + 7 * p.curl : 1.5f);
    wave.turns = p.style == HairStyle::wavy ? 2.6f : 1;
    wave.phase += side * 0.25f + 0.4f * s;
    c.strand(all, c.r.uniform(1.5f, 2.8f), mix(1.f, 0.8f, s), wave);
  }
}

/// Hair hanging behind neck and shoulders.
void curtain_behind(Comb& c, float length, int count) {
  const Person& p = c.p_;
  const float w = c.a_.outline.half_width(-20) + p.hair_volume + 8;
  for (int k = 0; k < count; ++k) {
    const float x = c.r.uniform(-1, 1) * w, sway = 8 * c.r.uniform(-1, 1), start = -120 + 0.004f * x * x;
    const std::array<Point, 4> keys = {{{x * 0.82f, start}, {x, 10}, {x * 1.02f + 0.3f * sway, 0.5f * length + 30},
                                        {x * 0.97f + sway, length * c.r.uniform(0.92f, 1.04f)}}};
    Wave wave = wave_of(c, p.style == HairStyle::wavy ? 10.f : 1.5f);
    c.strand(keys, k < count / 3 ? 13.f : 3.2f, 0.52f, wave, 0.95f);
  }
}

void short_hair(Comb& c) {
  const Person& p = c.p_;
  const bool buzz = p.style == HairStyle::buzz, up = p.style == HairStyle::swept_up;
  const float away = p.part_x > 0 ? -1.f : 1.f;
  const float length = buzz ? 7.f : 30 + 30 * p.hair_length;
  c.ground(buzz ? 1.5f : 0.30f * p.hair_volume);
  c.over_scalp(buzz ? 4200 : 2600, true, buzz ? 2.f : 0.3f * p.hair_volume, [&](Point root, float across) {
    const float side = ramp(0.66f, 0.92f, std::fabs(across)), sign = across < 0 ? -1.f : 1.f;
    Point d;
    float reach = length * c.r.uniform(0.7f, 1.15f);
    if (buzz || up) {
      d = Point{0.32f * across + 0.45f * away * p.curl + 0.22f * c.r.uniform(-1, 1), -1};
    } else {
      // Combed away from the parting, over the top and down.
      const float from_part = root.x - p.part_x > 0 ? 1.f : -1.f;
      const float near = (root.x - p.part_x) / 34;
      d = Point{from_part * (1.15f - 0.5f * std::fabs(across)), -0.38f - 0.45f * bell(near * near) + 0.25f * c.r.uniform(-1, 1)};
      reach *= from_part == away ? 1.35f : 0.9f;
    }
    // Shorter towards the sides, so that the silhouette is a dome.
    reach *= 1.1f - 0.55f * across * across;
    // The sides lie close and run down to the back.
    d = mix(d, Point{sign * 0.30f, 1}, side);
    reach = mix(reach, std::min(length, 15.f), side);
    const Point bend = root + d * (0.55f * reach) + Point{0, buzz ? 0.f : -2.f};
    const Point tip = root + d * reach + Point{0, (up || buzz ? 0.05f : 0.42f) * reach * (1 - side)};
    const std::array<Point, 3> keys = {root, bend, tip};
    c.strand(keys, buzz ? 1.3f : c.r.uniform(1.5f, 2.6f), 1, wave_of(c, buzz ? 0.f : 1 + 3 * p.curl * p.curl), buzz ? 0.6f : 0.9f);
  });
}

/// Strands from the crown down over the forehead.
void fringe_hair(Comb& c, int count, float reach_to) {
  const Person& p = c.p_;
  const float w = c.a_.outline.half_width(-60), lean = p.part_x > 0 ? 1.f : -1.f;
  for (int k = 0; k < count; ++k) {
    const float level = (float(k) + c.r.uniform()) / float(count), x = c.r.uniform(-0.92f, 0.92f) * w, u = x / w;
    const float y = mix(c.a_.hairline(x) + 2, p.crown_y - 0.8f * p.hair_volume + 30 * u * u, level);
    const float end = reach_to + 26 * u * u + 9 * c.r.uniform(-1, 1) - 26 * level * c.r.uniform();
    const float drift = lean * 13 + u * 20;
    const std::array<Point, 4> keys = {{{x * 0.75f, y}, {x * 0.92f + 0.2f * drift, mix(y, end, 0.25f) - 6},
                                        {x + 0.6f * drift, mix(y, end, 0.65f)}, {x + drift, end}}};
    c.strand(keys, c.r.uniform(1.6f, 2.8f), 1, wave_of(c, 1.2f + 2 * p.curl));
  }
}

/// How far curls stand off the head.
float curl_reach(const Person& p) { return mix(44.f, 20.f, p.masculine) + p.hair_volume; }

void curls(Comb& c, bool long_hair) {
  const Person& p = c.p_;
  const float w = c.a_.outline.half_width(-40), grow = curl_reach(p);
  c.ground(grow * 0.72f);
  const float size = 4.5f + 7 * p.curl;
  const int count = int(1500 + 9000 / size);
  for (int k = 0; k < count; ++k) {
    // Over the grown outline, above the hairline; the crown first and the front last.
    const float depth = 1 - (float(k) + 0.5f) / float(count);
    const float turns = -0.25f + 0.36f * c.r.uniform(-1, 1) * (long_hair ? 1.12f : 0.82f);
    const Point edge = c.a_.outline.point(turns), out = edge - Outline::kCentre;
    const float inv = 1 / std::sqrt(out.x * out.x + out.y * out.y);
    // Long curls hang as wide as they stand; short ones come in towards the ears.
    const float taper = long_hair ? 1.f : 1 - 0.75f * ramp(0.10f, 0.27f, std::fabs(turns + 0.25f));
    const float rough = taper * (1 + 0.30f * noise(turns * 26, 0, p.texture + 97));
    const float lift = mix(-0.52f, 1.f, std::min(1.f, depth + 0.35f * c.r.uniform())) * grow * rough;
    Point root = edge + out * (inv * std::min(lift, grow * rough));
    if (lift < 0) root = mix(edge, Point{0.85f * edge.x, c.a_.hairline(edge.x)}, c.r.uniform());
    const float limit = std::fabs(root.x) > w - 4 ? 40 : c.a_.hairline(root.x) + 6;
    if (root.y > limit && !(long_hair && std::fabs(root.x) > w)) continue;
    const float radius = size * c.r.uniform(0.6f, 1.2f), start = c.r.uniform(), spin = c.r.uniform() < 0.5f ? -1.f : 1.f;
    std::array<Point, 9> keys;
    for (int j = 0; j < 9; ++j) {
      const float a = start + spin * 0.15f * float(j);
      keys[j] = root + Point{cosine(a) * radius, sine(a) * radius * 0.85f + 0.75f * float(j)};
    }
    c.strand(keys, c.r.uniform(1.4f, 2.4f), c.r.uniform(0.7f, 1.25f), {}, 0.85f);
  }
}

void pulled_back(Comb& c) {
  const Person& p = c.p_;
  c.ground(0.25f * p.hair_volume);
  const Point knot{0.4f * p.part_x, c.top_ + 8};
  c.over_scalp(2300, true, 3, [&](Point root, float across) {
    const Point pull = knot - root, bulge{across * 16, -4};
    const float reach = std::min(1.f, 70 / (std::fabs(pull.x) + std::fabs(pull.y) + 20)) * c.r.uniform(0.7f, 1.f);
    const std::array<Point, 3> keys = {root, root + pull * (0.5f * reach) + bulge * reach, root + pull * reach};
    c.strand(keys, c.r.uniform(1.4f, 2.4f), 1, wave_of(c, 0.8f));
  });
}

void bun(Comb& c) {
  const float turn = c.p_.part_x * 0.4f, radius = 34 + 18 * c.p_.hair_length;
  const Point centre{turn, c.top_ - 8};
  for (int k = 0; k < 420; ++k) {
    const float ring = k < 120 ? c.r.uniform(0.1f, 0.8f) : c.r.uniform(0.15f, 1.f), start = c.r.uniform();
    std::array<Point, 6> keys;
    for (int j = 0; j < 6; ++j) {
      const float a = start + 0.07f * float(j), rr = radius * (ring + 0.02f * float(j));
      keys[j] = centre + Point{cosine(a) * rr, sine(a) * rr * 0.8f};
    }
    c.strand(keys, k < 120 ? 9.f : 2.2f, k < 120 ? 0.5f : 0.95f, {}, 0.9f);
  }
}

}  // namespace

void paint_back_hair(const Scene& s) {
  using enum HairStyle;
  const Person& p = s.person;
  Comb c(s, Philox(p.texture, "face/hair/back"));
  const float length = mix(235.f, 330.f, p.hair_length);
  if (p.style == straight || p.style == wavy) curtain_behind(c, length, 620);
  if (p.style == bob) curtain_behind(c, mix(135.f, 195.f, p.hair_length), 420);
  if (p.style == curly) c.backing(0.72f * curl_reach(p), p.masculine < 0.5f ? 110.f : -10.f);
  if (p.style == tied_back && !s.look.hat) bun(c);
  s.canvas.claim(hair);
}

void paint_hair(const Scene& s) {
  using enum HairStyle;
  const Person& p = s.person;
  Comb c(s, Philox(p.texture, "face/hair/front"));
  const float length = mix(235.f, 330.f, p.hair_length);
  switch (p.style) {
    case bald: break;
    case buzz:
    case swept_up:
    case side_part: short_hair(c); break;
    case fringe: {
      if (p.masculine > 0.5f) {
        short_hair(c);
      } else {
        c.ground(0.7f * p.hair_volume);
        for (float side : {-1.f, 1.f}) curtain(c, side, 480, 60 + 40 * p.hair_length, 0.3f, 0.5f);
      }
      fringe_hair(c, 900, p.brow_y - (p.masculine > 0.5f ? 44 : 22));
      break;
    }
    case bob:
    case straight:
    case wavy: {
      c.ground(0.75f * p.hair_volume);
      const float end = p.style == bob ? mix(125.f, 190.f, p.hair_length) : length;
      const float first = p.part_x > 0 ? 1.f : -1.f;
      for (float side : {first, -first}) curtain(c, side, 900, end, p.curl, p.style == bob ? 1.f : 0.4f);
      if (p.curl > 0.7f) fringe_hair(c, 500, p.brow_y - 18);
      break;
    }
    case curly: curls(c, p.masculine < 0.5f); break;
    case tied_back: pulled_back(c); break;
  }
  s.canvas.claim(hair);
}

}  // namespace kintsugi::faces
