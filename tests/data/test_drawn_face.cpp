// The face painter: the same face every time and at every size, with landmarks and classes that fit the picture.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <set>
#include <thread>

#include "data/faces/drawn_face.h"
#include "data/faces/person.h"
#include "data/faces/sheet.h"
#include "kernels/base/error.h"

using namespace kintsugi;

namespace {

uint64_t hash(const DrawnFace& face) {
  uint64_t h = 1469598103934665603u;
  auto add = [&](uint32_t word) { h = (h ^ word) * 1099511628211u; };
  for (float v : face.image.pixels) add(std::bit_cast<uint32_t>(v));
  for (uint8_t v : face.parsing) add(v);
  for (Point p : face.landmarks) add(std::bit_cast<uint32_t>(p.x)), add(std::bit_cast<uint32_t>(p.y));
  return h;
}

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::fabs(a.pixels[i] - b.pixels[i]);
  return sum / double(a.pixels.size());
}

Image area_average(const Image& x, int factor) {
  Image y(x.h / factor, x.w / factor, x.c);
  for (int i = 0; i < y.h * factor; ++i)
    for (int j = 0; j < y.w * factor; ++j)
      for (int c = 0; c < x.c; ++c) y.at(i / factor, j / factor)[c] += x.at(i, j)[c] / float(factor * factor);
  return y;
}

int part_at(const DrawnFace& face, Point p) {
  const int size = face.image.w, x = std::clamp(int(p.x), 0, size - 1), y = std::clamp(int(p.y), 0, size - 1);
  return face.parsing[size_t(y) * size + x];
}

Point middle(const DrawnFace& face, std::initializer_list<int> points) {
  Point sum;
  for (int k : points) sum = sum + face.landmarks[k];
  return sum * (1.f / float(points.size()));
}

faces::Look look_of(uint64_t seed, uint32_t identity, uint32_t variation) {
  return faces::make_look(seed, identity, variation, faces::make_person(seed, identity));
}

}  // namespace

TEST_CASE("drawn face: a function of its arguments, on any thread") {
  const uint64_t here = hash(draw_face(3, 5, 2, 96));
  CHECK(hash(draw_face(3, 5, 2, 96)) == here);
  uint64_t there = 0;
  std::thread([&] { there = hash(draw_face(3, 5, 2, 96)); }).join();
  CHECK(there == here);
  CHECK(hash(draw_face(4, 5, 2, 96)) != here);
  CHECK(hash(draw_face(3, 6, 2, 96)) != here);
  CHECK(hash(draw_face(3, 5, 3, 96)) != here);
}

TEST_CASE("drawn face: a variation changes the picture, not the person") {
  const DrawnFace a = draw_face(7, 1, 0, 64), b = draw_face(7, 1, 1, 64);
  CHECK(a.identity == b.identity);
  CHECK(mean_difference(a.image, b.image) > 0.01);
  const faces::Look k = look_of(7, 1, 0), l = look_of(7, 1, 1);
  CHECK(k.yaw != l.yaw);
  CHECK(k.key.x != l.key.x);
  // Persons come from (seed, identity) alone; neighbours in number are strangers.
  const faces::Person p = faces::make_person(7, 1), q = faces::make_person(7, 2);
  CHECK(p.texture == faces::make_person(7, 1).texture);
  CHECK(p.texture != q.texture);
  CHECK(p.cheek_w != q.cheek_w);
}

TEST_CASE("drawn face: the same face at every size") {
  for (uint32_t identity : {1u, 6u}) {
    const DrawnFace large = draw_face(1, identity, 0, 512), small = draw_face(1, identity, 0, 128);
    const DrawnFace stranger = draw_face(1, identity + 1, 0, 128);
    const Image reduced = area_average(large.image, 4);
    const double same = mean_difference(reduced, small.image), other = mean_difference(stranger.image, small.image);
    // Allowed: texture of 2 to 4 small pixels' wavelength, faded in one and averaged in the other (rms near 2 % of
    // full scale where there is any), and borders, a tenth of the pixels, averaged in display or in linear light.
    CHECK(same < 0.02);
    CHECK(same < 0.2 * other);
    for (int k = 0; k < 68; ++k) {
      CHECK(small.landmarks[k].x * 4 == doctest::Approx(large.landmarks[k].x).epsilon(1e-5));
      CHECK(small.landmarks[k].y * 4 == doctest::Approx(large.landmarks[k].y).epsilon(1e-5));
    }
    // Classes agree except along borders.
    int equal = 0;
    for (int y = 0; y < 128; ++y)
      for (int x = 0; x < 128; ++x)
        equal += small.parsing[size_t(y) * 128 + x] == large.parsing[size_t(y * 4 + 2) * 512 + x * 4 + 2];
    CHECK(equal > 0.96 * 128 * 128);
  }
}

TEST_CASE("drawn face: aligned like FFHQ") {
  static constexpr std::array<Point, 5> kMean = {
      {{192.98f, 239.95f}, {318.90f, 240.19f}, {256.63f, 314.02f}, {201.26f, 371.41f}, {313.09f, 371.15f}}};
  std::array<Point, 5> sum{};
  constexpr int kFaces = 60, kSize = 16;
  for (uint32_t k = 0; k < kFaces; ++k) {
    const DrawnFace face = draw_face(11, k, 0, kSize);
    for (int j = 0; j < 5; ++j) {
      const Point at = face.alignment[j] * (512.f / kSize);
      sum[j] = sum[j] + at * (1.f / kFaces);
      CHECK(std::fabs(at.x - kMean[j].x) < 36);
      CHECK(std::fabs(at.y - kMean[j].y) < 36);
    }
  }
  for (int j = 0; j < 5; ++j) {
    CHECK(std::fabs(sum[j].x - kMean[j].x) < 8);
    CHECK(std::fabs(sum[j].y - kMean[j].y) < 8);
  }
}

TEST_CASE("drawn face: landmarks lie in the picture and on their parts") {
  constexpr uint64_t kSeed = 21;
  constexpr int kSize = 128;
  std::set<int> seen;
  int eyes_checked = 0;
  for (uint32_t k = 0; k < 24; ++k) {
    CAPTURE(k);
    const DrawnFace face = draw_face(kSeed, k, 0, kSize);
    const faces::Look look = look_of(kSeed, k, 0);
    CHECK(std::ranges::all_of(face.image.pixels, [](float v) { return v >= 0 && v <= 1; }));
    CHECK(std::ranges::all_of(face.parsing, [](uint8_t part) { return part < faces::kParts; }));
    seen.insert(face.parsing.begin(), face.parsing.end());
    for (Point p : face.landmarks) CHECK((p.x > 0 && p.x < kSize && p.y > 0 && p.y < kSize));
    CHECK(part_at(face, face.alignment[2]) == faces::nose);
    CHECK(part_at(face, face.landmarks[30]) == faces::nose);
    if (look.glasses) {
      CHECK(part_at(face, face.alignment[0]) == faces::glasses);
    } else if (look.blink < 0.3f) {
      CHECK(part_at(face, middle(face, {37, 38, 40, 41})) == faces::left_eye);
      CHECK(part_at(face, middle(face, {43, 44, 46, 47})) == faces::right_eye);
      ++eyes_checked;
    }
    CHECK(part_at(face, middle(face, {51, 62})) == faces::upper_lip);
    CHECK(part_at(face, middle(face, {57, 66})) == faces::lower_lip);
    if (look.open > 0.4f) CHECK(part_at(face, middle(face, {62, 66})) == faces::mouth);
    CHECK(face.landmarks[8].y > face.landmarks[57].y);
    CHECK(face.landmarks[0].x < face.landmarks[16].x);
    for (int brow : {19, 24}) CHECK(face.landmarks[brow].y < face.landmarks[brow == 19 ? 37 : 44].y);
  }
  CHECK(eyes_checked > 8);
  for (uint32_t k = 24; seen.size() < faces::kParts && k < 60; ++k) {
    const DrawnFace face = draw_face(kSeed, k, 0, kSize);
    seen.insert(face.parsing.begin(), face.parsing.end());
  }
  CHECK(seen.size() == faces::kParts);
}

TEST_CASE("drawn face: skin carries fine texture") {
  // What a 4x reduction loses inside the skin, in display units. A restored face is judged by just this.
  for (uint32_t identity : {2u, 9u}) {
    const DrawnFace face = draw_face(1, identity, 0, 512);
    const Image low = area_average(face.image, 4);
    double energy = 0;
    int count = 0;
    for (int y = 0; y < 512; ++y)
      for (int x = 0; x < 512; ++x) {
        if (face.parsing[size_t(y) * 512 + x] != faces::skin) continue;
        const double d = face.image.at(y, x)[1] - low.at(y / 4, x / 4)[1];
        energy += d * d;
        ++count;
      }
    CHECK(count > 20000);
    CHECK(std::sqrt(energy / count) > 2.0 / 255);
  }
}

TEST_CASE("faces sheet: a grid of persons") {
  const Image sheet = faces_sheet(1, 3, 2, 32);
  CHECK(sheet.h == 64);
  CHECK(sheet.w == 96);
  const DrawnFace fifth = draw_face(1, 4, 0, 32);
  CHECK(sheet.at(32 + 7, 32 + 9)[1] == fifth.image.at(7, 9)[1]);
  CHECK_THROWS_AS(faces_sheet(1, 0, 2, 32), Error);
  CHECK_THROWS_AS(draw_face(1, 0, 0, 8), Error);
}
