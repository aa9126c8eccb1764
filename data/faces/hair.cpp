// Hair, strand by strand over a dark ground. A style is a rule for where strands are rooted and how they run.
#include <array>

#include "data/faces/comb.h"
#include "data/faces/noise.h"

namespace kintsugi::faces {
namespace {

Wave wave_of(Comb& c, float strength) {
  return {strength * c.random.uniform(0.7f, 1.3f), c.random.uniform(1.6f, 2.4f), c.random.uniform(-0.2f, 0.2f)};
}

/// Strands from the parting over the side of the head and down; s = 0 beside the face, 1 at the silhouette.
void curtain(Comb& c, float side, int count, float length, float tuck, float curl) {
  const Person& p = c.person;
  const float w = c.anatomy.outline.half_width(-20), vol = p.hair_volume + 6, part = p.part_x;
  for (int k = 0; k < count; ++k) {
    const float place = c.random.uniform(), stray = c.random.uniform(-1, 1);
    const float s = clamp01(1 - (float(k) + place) / float(count) + 0.10f * stray);
    const float front = c.anatomy.hairline(part) + 2, back = c.top + 4;
    const float beside = c.random.uniform(0, 4), jitter = c.random.uniform(-1, 1);
    const Point root{part + side * beside + 5 * jitter, mix(front, back, std::min(1.f, s * 1.15f))};
    const float end = length * c.random.uniform(0.93f, 1.04f), wide = w + vol;
    // The silhouette over the skull is an ellipse from the top to the temples.
    const Point shoulder{side * mix(0.66f * w, 0.70f * wide, s),
                         mix(c.anatomy.hairline(0.6f * w) - 2, -62 + 0.72f * (c.top + 62), s)};
    const Point temple{side * mix(0.97f * w - 6, wide - 4, s), mix(-44.f, -62.f, s)};
    const Point ear{side * mix(w - 3 + 8 * tuck, wide + 6, s), 52};
    const Point jaw{side * mix(w - 6, wide + 4, s), mix(52.f, end, 0.55f)};
    const Point tip{side * (mix(w - 18, wide - 4, s) - 16 * curl * c.random.uniform()), end};
    const Point rise = mix(root, shoulder, 0.55f) + Point{0, -6 - 12 * s};
    const std::array<Point, 7> keys = {root, rise, shoulder, temple, ear, mix(jaw, tip, 0.5f), tip};
    Wave wave = wave_of(c, p.style == HairStyle::wavy ? 8.f + 7 * p.curl : 1.5f);
    wave.turns = p.style == HairStyle::wavy ? 2.6f : 1;
    wave.phase += side * 0.25f + 0.4f * s;
    c.strand(keys, c.random.uniform(1.5f, 2.8f), mix(1.f, 0.8f, s), wave);
  }
}

/// Hair hanging behind neck and shoulders.
void curtain_behind(Comb& c, float length, int count) {
  const Person& p = c.person;
  const float w = c.anatomy.outline.half_width(-20) + p.hair_volume + 8;
  for (int k = 0; k < count; ++k) {
    const float x = c.random.uniform(-1, 1) * w, sway = 8 * c.random.uniform(-1, 1), start = -120 + 0.004f * x * x;
    const std::array<Point, 4> keys = {{{x * 0.82f, start},
                                        {x, 10},
                                        {x * 1.02f + 0.3f * sway, 0.5f * length + 30},
                                        {x * 0.97f + sway, length * c.random.uniform(0.92f, 1.04f)}}};
    Wave wave = wave_of(c, p.style == HairStyle::wavy ? 10.f : 1.5f);
    c.strand(keys, k < count / 3 ? 13.f : 3.2f, 0.52f, wave, 0.95f);
  }
}

void short_hair(Comb& c) {
  const Person& p = c.person;
  const bool buzz = p.style == HairStyle::buzz, up = p.style == HairStyle::swept_up;
  const float away = p.part_x > 0 ? -1.f : 1.f;
  const float length = buzz || c.scene.look.hat ? 7.f : 30 + 30 * p.hair_length;
  c.ground(buzz ? 1.5f : 0.30f * p.hair_volume);
  c.over_scalp(buzz ? 4200 : 2600, buzz ? 2.f : 0.3f * p.hair_volume, [&](Point root, float across) {
    const float side = ramp(0.66f, 0.92f, std::fabs(across)), sign = across < 0 ? -1.f : 1.f;
    Point d;
    float reach = length * c.random.uniform(0.7f, 1.15f);
    if (buzz || up) {
      d = Point{0.32f * across + 0.45f * away * p.curl + 0.22f * c.random.uniform(-1, 1), -1};
    } else {
      // Combed away from the parting, over the top and down.
      const float from_part = root.x - p.part_x > 0 ? 1.f : -1.f;
      const float near = (root.x - p.part_x) / 34;
      d = Point{from_part * (1.15f - 0.5f * std::fabs(across)),
                -0.38f - 0.45f * bell(near * near) + 0.25f * c.random.uniform(-1, 1)};
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
    const Wave wave = wave_of(c, buzz ? 0.f : 1 + 3 * p.curl * p.curl);
    c.strand(keys, buzz ? 1.3f : c.random.uniform(1.5f, 2.6f), 1, wave, buzz ? 0.6f : 0.9f);
  });
}

/// Strands from the crown down over the forehead.
void fringe_hair(Comb& c, int count, float reach_to) {
  const Person& p = c.person;
  const float w = c.anatomy.outline.half_width(-60), lean = p.part_x > 0 ? 1.f : -1.f;
  for (int k = 0; k < count; ++k) {
    const float level = (float(k) + c.random.uniform()) / float(count), x = c.random.uniform(-0.92f, 0.92f) * w,
                u = x / w;
    const float y = mix(c.anatomy.hairline(x) + 2, p.crown_y - 0.8f * p.hair_volume + 30 * u * u, level);
    const float stray = c.random.uniform(-1, 1), shorter = c.random.uniform();
    const float end = reach_to + 26 * u * u + 9 * stray - 26 * level * shorter;
    const float drift = lean * 13 + u * 20;
    const std::array<Point, 4> keys = {{{x * 0.75f, y},
                                        {x * 0.92f + 0.2f * drift, mix(y, end, 0.25f) - 6},
                                        {x + 0.6f * drift, mix(y, end, 0.65f)},
                                        {x + drift, end}}};
    const Wave wave = wave_of(c, 1.2f + 2 * p.curl);
    c.strand(keys, c.random.uniform(1.6f, 2.8f), 1, wave);
  }
}

/// How far curls stand off the head.
float curl_reach(const Comb& c) {
  return (mix(44.f, 20.f, c.person.masculine) + c.person.hair_volume) * (c.scene.look.hat ? 0.4f : 1.f);
}

void curls(Comb& c, bool long_hair) {
  const Person& p = c.person;
  const float w = c.anatomy.outline.half_width(-40), grow = curl_reach(c);
  c.ground(grow * 0.72f);
  const float size = 4.5f + 7 * p.curl;
  const int count = int(1500 + 9000 / size);
  for (int k = 0; k < count; ++k) {
    // Over the grown outline, above the hairline; the crown first and the front last.
    const float depth = 1 - (float(k) + 0.5f) / float(count);
    const float turns = -0.25f + 0.36f * c.random.uniform(-1, 1) * (long_hair ? 1.12f : 0.82f);
    const Point edge = c.anatomy.outline.point(turns), out = edge - Outline::kCentre;
    const float inv = 1 / std::sqrt(out.x * out.x + out.y * out.y);
    // Long curls hang as wide as they stand; short ones come in towards the ears.
    const float taper = long_hair ? 1.f : 1 - 0.75f * ramp(0.10f, 0.27f, std::fabs(turns + 0.25f));
    const float rough = taper * (1 + 0.30f * noise(turns * 26, 0, p.texture + 97));
    const float lift = mix(-0.52f, 1.f, std::min(1.f, depth + 0.35f * c.random.uniform())) * grow * rough;
    Point root = edge + out * (inv * std::min(lift, grow * rough));
    if (lift < 0) {  // on the front of the scalp
      const float x = edge.x * c.random.uniform(0.05f, 0.9f);
      root = mix(edge, Point{x, c.anatomy.hairline(x)}, c.random.uniform());
    }
    const float limit = std::fabs(root.x) > w - 4 ? 40 : c.anatomy.hairline(root.x) + 6;
    if (root.y > limit && !(long_hair && std::fabs(root.x) > w)) continue;
    const float radius = size * c.random.uniform(0.6f, 1.2f), start = c.random.uniform(),
                spin = c.random.uniform() < 0.5f ? -1.f : 1.f;
    std::array<Point, 9> keys;
    for (int j = 0; j < 9; ++j) {
      const float a = start + spin * 0.15f * float(j);
      keys[j] = root + Point{cosine(a) * radius, sine(a) * radius * 0.85f + 0.75f * float(j)};
    }
    const float shade = c.random.uniform(0.7f, 1.25f), width = c.random.uniform(1.4f, 2.4f);
    c.strand(keys, width, shade, {}, 0.85f);
  }
}

void pulled_back(Comb& c) {
  const Person& p = c.person;
  c.ground(0.25f * p.hair_volume);
  const Point knot{0.4f * p.part_x, c.top + 8};
  c.over_scalp(2300, 3, [&](Point root, float across) {
    const Point pull = knot - root, bulge{across * 16, -4};
    const float reach = std::min(1.f, 70 / (std::fabs(pull.x) + std::fabs(pull.y) + 20)) * c.random.uniform(0.7f, 1.f);
    const std::array<Point, 3> keys = {root, root + pull * (0.5f * reach) + bulge * reach, root + pull * reach};
    const Wave wave = wave_of(c, 0.8f);
    c.strand(keys, c.random.uniform(1.4f, 2.4f), 1, wave);
  });
}

void bun(Comb& c) {
  const float turn = c.person.part_x * 0.4f, radius = 34 + 18 * c.person.hair_length;
  const Point centre{turn, c.top - 8};
  for (int k = 0; k < 420; ++k) {
    const float ring = k < 120 ? c.random.uniform(0.1f, 0.8f) : c.random.uniform(0.15f, 1.f),
                start = c.random.uniform();
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
  if (p.style == curly) c.backing(0.72f * curl_reach(c), p.masculine < 0.5f ? 110.f : -10.f);
  if (p.style == tied_back && !s.look.hat) bun(c);
  s.canvas.claim(hair);
}

void paint_hair(const Scene& s) {
  using enum HairStyle;
  const Person& p = s.person;
  Comb c(s, Philox(p.texture, "face/hair/front"));
  const float length = mix(235.f, 330.f, p.hair_length);
  switch (p.style) {
    case bald:
      break;
    case buzz:
    case swept_up:
    case side_part:
      short_hair(c);
      break;
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
    case curly:
      curls(c, p.masculine < 0.5f);
      break;
    case tied_back:
      pulled_back(c);
      break;
  }
  s.canvas.claim(hair);
}

}  // namespace kintsugi::faces
