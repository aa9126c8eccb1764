#include "data/faces/drawn_face.h"

#include "data/faces/layers.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

using namespace faces;

/// FFHQ's mean points at 512 pixels.
constexpr std::array<Point, 5> kTemplate = {
    {{192.98f, 239.95f}, {318.90f, 240.19f}, {256.63f, 314.02f}, {201.26f, 371.41f}, {313.09f, 371.15f}}};

Pose aligned_pose(const Look& look, const Anatomy& anatomy) {
  Pose pose(look.yaw, look.pitch);
  const auto points = anatomy.alignment();
  pose.align(points, kTemplate);
  pose.jitter(look.roll, look.scale, look.shift);
  return pose;
}

void paint(const Scene& s) {
  paint_backdrop(s);
  paint_back_hair(s);
  paint_neck_and_cloth(s);
  paint_ears(s);
  {
    Relief relief(s.canvas);
    sculpt(relief, s.person, s.look, s.anatomy);
    paint_head(s, relief);
  }
  paint_nostrils(s);
  paint_beard(s);
  paint_mouth(s);
  paint_eyes(s);
  paint_brows(s);
  paint_jewellery(s);
  paint_hair(s);
  paint_hat(s);
  paint_glasses(s);
}

/// Film response: a soft shoulder, then the display curve.
float develop(float light) { return to_display(light * (1 + light * 0.14f) / (1 + light * 0.42f)); }

/// Averages `factor` x `factor` blocks in linear light; a block's class is its most frequent one (the lowest on ties).
void resolve(Canvas& canvas, int factor, float exposure, DrawnFace& face) {
  const int size = face.image.h, fine = canvas.size();
  const float share = exposure / float(factor * factor);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      Rgb sum;
      std::array<uint16_t, kParts> votes{};
      for (int j = 0; j < factor; ++j)
        for (int i = 0; i < factor; ++i) {
          const int at = (y * factor + j) * fine + x * factor + i;
          sum = sum + canvas.colour(at);
          ++votes[canvas.part(at)];
        }
      float* out = face.image.at(y, x);
      out[0] = develop(sum.r * share), out[1] = develop(sum.g * share), out[2] = develop(sum.b * share);
      face.parsing[size_t(y) * size + x] = uint8_t(std::max_element(votes.begin(), votes.end()) - votes.begin());
    }
}

}  // namespace

DrawnFace draw_face(uint64_t seed, uint32_t identity, uint32_t variation, int size) {
  KIN_CHECK(size >= 16 && size <= 2048, "draw_face: size must be in 16..2048, got ", size);
  Person person = make_person(seed, identity);
  const Look look = make_look(seed, identity, variation, person);
  if (look.hat) person.hair_volume *= 0.15f;  // pressed flat
  const Anatomy anatomy(person, look);
  const Pose pose = aligned_pose(look, anatomy);
  const Light light(look);

  // Small pictures are drawn larger: details are then averaged rather than dropped.
  constexpr int kFinest = 128;
  const int factor = (kFinest + size - 1) / size;
  Canvas canvas(size * factor, pose);
  paint({person, look, anatomy, light, canvas});

  DrawnFace face;
  face.image = Image(size, size, 3);
  face.parsing.resize(size_t(size) * size);
  face.identity = identity;
  resolve(canvas, factor, look.exposure, face);
  const float scale = float(size) / 512;
  const auto landmarks = anatomy.landmarks();
  for (size_t k = 0; k < landmarks.size(); ++k) face.landmarks[k] = pose.forward(landmarks[k]) * scale;
  const auto alignment = anatomy.alignment();
  for (size_t k = 0; k < alignment.size(); ++k) face.alignment[k] = pose.forward(alignment[k]) * scale;
  return face;
}

}  // namespace kintsugi
