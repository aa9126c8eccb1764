// Who is drawn (Person: fixed by seed and identity) and how the picture was taken (Look: one per variation).
// Lengths are in face units (see pose.h), colours in linear light, everything else in [0, 1] unless said otherwise.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "data/faces/maths.h"

namespace kintsugi::faces {

enum class HairStyle { bald, buzz, swept_up, side_part, fringe, bob, straight, wavy, curly, tied_back };

struct Mole {
  Point at;
  float radius, strength;
};

struct Person {
  // Constitution
  float masculine, age, melanin;
  Rgb skin_tone;
  float ruddy, blotchy, freckled, glossy, pores;
  std::vector<Mole> moles;
  uint32_t texture;  // seed of every lattice texture of this person

  // Head outline: half widths at the forehead, cheekbones and jaw corner; heights of crown and chin
  float forehead_w, cheek_w, jaw_w, chin_w, crown_y, chin_y;
  float ear_out, ear_h;

  // Eyes and brows
  float eye_x, eye_w, eye_up, eye_low, eye_tilt, fold, iris_radius;
  Rgb iris;
  float brow_y, brow_arch, brow_thick, brow_length, brow_density;
  Rgb brow_colour;

  // Nose and mouth
  float nose_w, nose_tip_y, nose_height, bridge_w;
  float mouth_y, mouth_w, lip_up, lip_low, bow;
  Rgb lip_colour;

  // Hair and beard
  HairStyle style;
  Rgb hair_colour;
  float hair_grey, hair_volume, hair_length, hairline_y, temple, part_x, curl;
  float beard, moustache, stubble;

  // Habits
  float wears_glasses, wears_hat, wears_earrings, wears_necklace, wears_makeup;
  float frame_w, frame_h, frame_round, frame_thick;
  Rgb frame_colour;
};

struct Look {
  float yaw, pitch;   // radians
  float roll, scale;  // what alignment left over
  Point shift;
  float smile, open, brow_raise, blink;
  Point gaze;  // of the pupils, face units

  Vec3 key;  // towards the main light, unit length; y down as everywhere
  Rgb key_colour, ambient;
  float exposure;

  bool glasses, hat, earrings, necklace;
  float makeup;
  Rgb cloth_colour, hat_colour, makeup_colour;
  int cloth_pattern;  // plain, stripes, knit, checks
  int backdrop;       // wall, bokeh, foliage, panels
  Rgb backdrop_a, backdrop_b;
  uint32_t texture;  // seed of the lattice textures of this picture
};

Person make_person(uint64_t seed, uint32_t identity);
Look make_look(uint64_t seed, uint32_t identity, uint32_t variation, const Person& person);

}  // namespace kintsugi::faces
