#include "data/faces/person.h"

#include "kernels/base/philox.h"

namespace kintsugi::faces {
namespace {

/// A bell-shaped draw in [-1, 1] with standard deviation 1/3: three uniforms, no C library.
float bell_draw(Philox& r) {
  const float a = r.uniform(), b = r.uniform(), c = r.uniform();
  return (a + b + c) * (2.f / 3) - 1;
}
float about(Philox& r, float mean, float spread) { return mean + spread * bell_draw(r); }
bool chance(Philox& r, float p) { return r.uniform() < p; }

Rgb skin_for(float melanin) {
  static constexpr int kTones = 7;
  static const std::array<Rgb, kTones> tones = {srgb(234, 198, 177), srgb(226, 180, 152), srgb(214, 161, 129),
                                                srgb(197, 142, 108), srgb(161, 108, 78),  srgb(122, 79, 57),
                                                srgb(88, 57, 43)};
  const float at = melanin * (kTones - 1.001f);
  const int k = int(at);
  return mix(tones[k], tones[k + 1], at - float(k));
}

Rgb hair_for(Philox& r, float melanin) {
  static const std::array<Rgb, 7> shades = {
      Rgb{.010f, .008f, .007f}, Rgb{.028f, .017f, .011f}, Rgb{.065f, .035f, .020f}, Rgb{.130f, .072f, .038f},
      Rgb{.230f, .135f, .065f}, Rgb{.400f, .265f, .135f}, Rgb{.210f, .065f, .022f}};
  if (melanin < 0.3f && chance(r, 0.13f)) return shades[6];  // red
  // Darker skin goes with darker hair.
  const float at = std::clamp((1 - melanin * 1.6f) * 5.6f * r.uniform(), 0.f, 4.999f);
  const int k = int(at);
  return mix(shades[k], shades[k + 1], at - float(k));
}

Rgb iris_for(Philox& r, float melanin) {
  static const std::array<Rgb, 6> brown_to_blue = {srgb(58, 34, 20),   srgb(92, 56, 30),    srgb(128, 92, 48),
                                                   srgb(104, 112, 70), srgb(112, 138, 138), srgb(112, 146, 178)};
  const float reach = melanin < 0.35f ? 4.999f : melanin < 0.55f ? 2.5f : 0.9f;
  const float at = reach * r.uniform();
  const int k = int(at);
  return mix(brown_to_blue[k], brown_to_blue[k + 1], at - float(k));
}

HairStyle style_for(Philox& r, float masculine, float age, float melanin) {
  using enum HairStyle;
  static constexpr std::array<HairStyle, 10> men = {buzz,      swept_up, swept_up, side_part, side_part,
                                                    side_part, fringe,   curly,    bald,      buzz};
  static constexpr std::array<HairStyle, 10> women = {bob,  bob,  straight, straight,  wavy,
                                                      wavy, wavy, fringe,   tied_back, curly};
  if (melanin > 0.72f && chance(r, 0.5f))
    return masculine > 0.5f ? (chance(r, 0.6f) ? buzz : curly) : (chance(r, 0.6f) ? curly : tied_back);
  if (masculine > 0.5f && age > 0.6f && chance(r, 0.3f)) return bald;
  return masculine > 0.5f ? men[r.below(10)] : women[r.below(10)];
}

void draw_head(Philox r, Person& p) {
  const float m = p.masculine;
  const float plump = bell_draw(r);
  p.cheek_w = about(r, 134 + 6 * m + 7 * plump, 7);
  p.forehead_w = about(r, 128 + 2 * m + 3 * plump, 6);
  p.jaw_w = about(r, 97 + 17 * m + 9 * plump, 10);
  p.chin_w = about(r, 38 + 15 * m + 3 * plump, 13);
  p.crown_y = about(r, -212, 7);
  p.chin_y = about(r, 211 + 8 * m, 13);
  p.ear_out = about(r, 9 + 3 * m, 9);
  p.ear_h = about(r, 42 + 4 * p.age, 5);
}

void draw_features(Philox r, Person& p) {
  const float m = p.masculine;
  p.eye_x = about(r, 63, 5.5f);
  p.eye_w = about(r, 33.5f - 1.5f * m, 3.5f);
  p.eye_up = about(r, 15.5f - 2.2f * m - 1.8f * p.age, 3.6f);
  p.eye_low = about(r, 8.3f - 0.7f * m, 2.4f);
  p.eye_tilt = about(r, 2.2f - 1.2f * m - 2 * p.age, 4.5f);
  p.fold = about(r, 7.5f, 5.5f);
  p.iris_radius = about(r, 13.4f, 0.8f);
  p.iris = iris_for(r, p.melanin);
  p.brow_y = about(r, -36 + 5 * m, 7);
  p.brow_arch = about(r, 8 - 4 * m, 6);
  p.brow_thick = about(r, 8.5f + 3.5f * m, 4.5f);
  p.brow_length = about(r, 39, 6);
  p.brow_density = r.uniform(0.55f, 1.f);
  p.nose_w = about(r, 30 + 3.5f * m + 7 * p.melanin, 7);
  p.nose_tip_y = about(r, 73, 6.5f);
  p.nose_height = about(r, 1 + 0.12f * m, 0.38f);
  p.bridge_w = about(r, 14 + 3 * m + 3 * p.melanin, 4.5f);
  p.mouth_y = about(r, 130, 6);
  p.mouth_w = about(r, 50 + 3 * m, 7);
  p.lip_up = about(r, 14.5f - 3 * m + 5 * p.melanin - 3 * p.age, 5);
  p.lip_low = about(r, 19.5f - 3 * m + 4 * p.melanin - 3.5f * p.age, 6);
  p.bow = r.uniform(0.05f, 0.28f);
  const Rgb rosy = {0.90f, 0.46f, 0.53f};
  p.lip_colour = p.skin_tone * mix(rosy, Rgb{0.76f, 0.45f, 0.52f}, r.uniform());
}

void draw_hair(Philox r, Person& p) {
  p.hair_colour = hair_for(r, p.melanin);
  p.hair_grey = p.age > 0.45f ? clamp01((p.age - 0.45f) * 2.2f * r.uniform(0.3f, 1.3f)) : 0;
  p.hair_colour = mix(p.hair_colour, Rgb{.43f, .42f, .40f}, p.hair_grey);
  p.brow_colour = mix(p.hair_colour, Rgb{.05f, .03f, .02f}, 0.45f * (1 - 0.6f * p.hair_grey));
  p.style = style_for(r, p.masculine, p.age, p.melanin);
  p.hair_volume = about(r, 22, 11);
  p.hair_length = r.uniform();
  p.hairline_y = about(r, -132 - 8 * p.age * p.masculine, 10);
  p.temple = p.masculine * r.uniform(0.2f, 0.6f + 0.4f * p.age);
  const float part_side = chance(r, 0.5f) ? 1.f : -1.f;
  p.part_x = part_side * r.uniform(8, 62);
  p.curl = r.uniform();
  const float kind = r.uniform(), full = r.uniform(0.5f, 1);
  const bool shaves = p.masculine < 0.5f || kind < 0.5f;
  p.stubble = p.masculine > 0.5f ? r.uniform(0.1f, 0.9f) : 0;
  p.beard = !shaves && kind < 0.85f ? full : 0;
  p.moustache = !shaves && kind > 0.58f ? full : 0;
}

void draw_marks(Philox r, Person& p) {
  p.ruddy = r.uniform();
  p.blotchy = r.uniform(0.3f, 1.f);
  p.freckled = p.melanin < 0.4f && chance(r, 0.25f) ? r.uniform(0.35f, 1.f) : 0;
  p.glossy = r.uniform(0.3f, 1);
  p.pores = r.uniform(0.5f, 0.8f) + 0.35f * p.age;
  for (uint32_t k = r.below(6); k > 0; --k) {
    Mole mole;
    mole.at = {r.uniform(-115, 115), r.uniform(-110, 190)};
    mole.radius = r.uniform(1.6f, 4.2f);
    mole.strength = r.uniform(0.35f, 0.85f);
    p.moles.push_back(mole);
  }
}

void draw_habits(Philox r, Person& p) {
  p.wears_glasses = chance(r, 0.27f) ? 0.85f : 0.02f;
  p.wears_hat = chance(r, 0.12f) ? 0.6f : 0.02f;
  p.wears_earrings = p.masculine < 0.5f ? (chance(r, 0.55f) ? 0.8f : 0.05f) : 0.05f;
  p.wears_necklace = p.masculine < 0.5f ? (chance(r, 0.4f) ? 0.8f : 0.05f) : 0.02f;
  p.wears_makeup = p.masculine < 0.5f ? r.uniform() : 0;
  p.frame_w = r.uniform(41, 50);
  p.frame_h = r.uniform(27, 39);
  p.frame_round = r.uniform();
  p.frame_thick = r.uniform(2.6f, 6.5f);
  static const std::array<Rgb, 5> frames = {srgb(20, 20, 24), srgb(70, 42, 28), srgb(120, 92, 50), srgb(110, 114, 120),
                                            srgb(110, 26, 34)};
  p.frame_colour = frames[r.below(5)];
}

Rgb any_colour(Philox& r, float saturation, float lo, float hi) {
  const float hue = r.uniform(), value = r.uniform(lo, hi);
  auto wave = [&](float offset) { return value * (1 - saturation * (0.5f - 0.5f * cosine(hue + offset))); };
  const Rgb display{wave(0), wave(1.f / 3), wave(2.f / 3)};
  return to_linear(display);
}

void draw_light(Philox r, Look& k) {
  k.key = normalized({r.uniform(-0.75f, 0.75f), r.uniform(-0.75f, -0.2f), r.uniform(0.55f, 1.f)});
  const float warmth = r.uniform(-1, 1), ratio = r.uniform(0.22f, 0.5f);
  k.key_colour = Rgb{1 + 0.10f * warmth, 1, 1 - 0.14f * warmth} * r.uniform(0.92f, 1.15f);
  k.ambient = Rgb{1 - 0.06f * warmth, 1, 1 + 0.10f * warmth} * ratio;
  k.exposure = r.uniform(0.92f, 1.12f);
}

void draw_scene(Philox r, Look& k) {
  static const std::array<float, 4> saturation = {0.15f, 0.35f, 0.6f, 0.75f};
  k.backdrop = int(r.below(4));
  k.backdrop_a = any_colour(r, saturation[r.below(4)], 0.25f, 0.85f);
  k.backdrop_b = any_colour(r, saturation[r.below(4)], 0.12f, 0.7f);
  k.cloth_pattern = int(r.below(4));
  k.cloth_colour = any_colour(r, saturation[r.below(4)], 0.12f, 0.85f);
  k.hat_colour = any_colour(r, saturation[r.below(4)], 0.15f, 0.75f);
  k.makeup_colour = mix(srgb(178, 40, 52), srgb(196, 84, 92), r.uniform());
  k.texture = r.next_u32();
}

}  // namespace

Person make_person(uint64_t seed, uint32_t identity) {
  Person p{};
  auto stream = [&](const char* purpose) { return Philox(seed, purpose, identity); };
  Philox r = stream("face/constitution");
  // Two clusters rather than a continuum, so that jaws, brows and beards go together.
  p.masculine = chance(r, 0.5f) ? r.uniform(0.6f, 1.f) : r.uniform(0.f, 0.4f);
  const float years = r.uniform();
  p.age = years * r.uniform(0.3f, 1.f);
  p.melanin = r.uniform();
  p.skin_tone = skin_for(p.melanin) * Rgb{1, about(r, 1, 0.05f), about(r, 1, 0.09f)};
  p.texture = r.next_u32();
  draw_head(stream("face/head"), p);
  draw_features(stream("face/features"), p);
  draw_hair(stream("face/hair"), p);
  draw_marks(stream("face/marks"), p);
  draw_habits(stream("face/habits"), p);
  return p;
}

Look make_look(uint64_t seed, uint32_t identity, uint32_t variation, const Person& person) {
  Look k{};
  const uint64_t step = (uint64_t(identity) << 32) | variation;
  auto stream = [&](const char* purpose) { return Philox(seed, purpose, step); };
  Philox r = stream("face/pose");
  k.yaw = about(r, 0, 0.42f);
  k.pitch = about(r, 0, 0.13f);
  k.roll = about(r, 0, 0.09f);
  k.scale = about(r, 1, 0.05f);
  k.shift = {about(r, 0, 7), about(r, 0, 7)};
  r = stream("face/expression");
  k.smile = chance(r, 0.6f) ? r.uniform(0.25f, 1) : r.uniform(-0.25f, 0.25f);
  k.open = k.smile > 0.55f && chance(r, 0.65f) ? r.uniform(0.4f, 1) : chance(r, 0.2f) ? r.uniform(0.1f, 0.7f) : 0;
  k.brow_raise = about(r, 0.05f, 0.8f);
  k.blink = chance(r, 0.05f) ? r.uniform(0.6f, 1) : r.uniform(0, 0.18f);
  k.gaze = {about(r, -14 * k.yaw, 4), about(r, 0, 1.5f)};
  r = stream("face/dress");
  k.glasses = chance(r, person.wears_glasses);
  k.hat = chance(r, person.wears_hat);
  k.earrings = chance(r, person.wears_earrings);
  k.necklace = chance(r, person.wears_necklace);
  k.makeup = person.wears_makeup * r.uniform();
  draw_light(stream("face/light"), k);
  draw_scene(stream("face/scene"), k);
  return k;
}

}  // namespace kintsugi::faces
