#include "data/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "data/drawn_dataset.h"
#include "data/face_index.h"
#include "data/folder_dataset.h"
#include "data/image_file.h"
#include "data/repeat_dataset.h"
#include "data/resize.h"
#include "kernels/base/error.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

/// A picture of one colour k/255.
Image flat(int h, int w, int k) { return Image(h, w, 3, float(k) / 255.0f); }

PictureOptions options(int size, fs::path index = {}, double holdout = 0, PictureOptions::Part part = PictureOptions::Part::all) {
  return {size, std::move(index), holdout, part};
}

}  // namespace

TEST_CASE("folder dataset: recursive, any name, ordered, non-images listed") {
  Scratch scratch;
  fs::create_directories(scratch / "deep" / "er");
  write_image(scratch / "b.png", flat(8, 8, 10));
  write_image(scratch / "deep" / "er" / "a.jpg", flat(8, 8, 20));
  fs::rename(scratch / "b.png", scratch / "b.dat");
  put(scratch / "notes.png", "not a picture");
  put(scratch / "empty.jpg", "");
  const FolderDataset data(scratch.path(), options(8));
  REQUIRE(data.size() == 2);
  CHECK(data.files()[0] == "b.dat");
  CHECK(data.files()[1] == "deep/er/a.jpg");
  CHECK(data.skipped() == std::vector<fs::path>{"empty.jpg", "notes.png"});
  const Sample s = data.get(0, 0);
  CHECK(s.name == "b.dat");
  CHECK(s.gt.pixels == flat(8, 8, 10).pixels);
  CHECK(s.lq.empty());
  CHECK_THROWS_WITH_AS(data.get(0, 2), doctest::Contains("[0,2), got 2"), Error);
}

TEST_CASE("folder dataset: other sizes are cut to the middle square and resized") {
  Scratch scratch;
  Image wide = flat(4, 12, 0);
  for (int y = 0; y < 4; ++y)
    for (int x = 4; x < 8; ++x) std::fill_n(wide.at(y, x), 3, 1.0f);
  write_image(scratch / "wide.png", wide);
  for (int size : {2, 4, 7}) CHECK(FolderDataset(scratch.path(), options(size)).get(0, 0).gt.pixels == flat(size, size, 255).pixels);
}

TEST_CASE("folder dataset: what is wrong with a folder is said") {
  Scratch scratch;
  CHECK_THROWS_WITH_AS(FolderDataset(scratch / "none"), doctest::Contains("no such folder"), Error);
  CHECK_THROWS_WITH_AS(FolderDataset(scratch.path()), doctest::Contains("an empty folder"), Error);
  put(scratch / "notes.txt", "hello");
  CHECK_THROWS_WITH_AS(FolderDataset(scratch / "notes.txt"), doctest::Contains("found a file"), Error);
  CHECK_THROWS_WITH_AS(FolderDataset(scratch.path()), doctest::Contains("only 1 other files, such as \"notes.txt\""), Error);
  write_image(scratch / "a.png", flat(4, 4, 1));
  CHECK_THROWS_WITH_AS(FolderDataset(scratch.path(), options(4, {}, 0, PictureOptions::Part::held_out)),
                       doctest::Contains("held-out part (holdout 0)"), Error);
  CHECK_THROWS_WITH_AS(FolderDataset(scratch.path(), options(0)), doctest::Contains("size must be positive"), Error);
  // A picture cut off after it was listed is named when it is read.
  const FolderDataset data(scratch.path(), options(4));
  fs::resize_file(scratch / "a.png", 40);
  CHECK_THROWS_WITH_AS(data.get(0, 0), doctest::Contains("a.png"), Error);
}

TEST_CASE("folder dataset: the index splits by person") {
  Scratch scratch;
  fs::create_directory(scratch / "pictures");
  std::string table = "file,note,identity\r\n";
  const int people = 40, pictures = 3;
  for (int p = 0; p < people; ++p)
    for (int k = 0; k < pictures; ++k) {
      const std::string name = text("pictures/", k, "_", p, ".png");
      write_image(scratch / name, flat(2, 2, p));
      table += text(name, ",\"a, \"\"b\"\"\",person ", p, "\r\n");
    }
  put(scratch / "index.csv", table);
  const auto open = [&](PictureOptions::Part part) {
    return FolderDataset(scratch / "pictures", options(2, scratch / "index.csv", 0.3, part));
  };
  const auto train = open(PictureOptions::Part::train), held = open(PictureOptions::Part::held_out);
  CHECK(train.size() + held.size() == people * pictures);
  CHECK(held.size() % pictures == 0);  // all pictures of a person fall on one side
  for (const auto* part : {&train, &held})
    for (int64_t i = 0; i < part->size(); ++i) {
      const int p = int(part->get(0, i).gt.pixels[0] * 255 + 0.5f);
      CHECK(is_held_out(text("person ", p), 0.3) == (part == &held));
    }
  put(scratch / "other.csv", "file,identity\nelsewhere.png,x\n");
  CHECK_THROWS_WITH_AS(FolderDataset(scratch / "pictures", options(2, scratch / "other.csv")),
                       doctest::Contains("names none of its 120 images"), Error);
  put(scratch / "bad.csv", "file,identity\na.png\n");
  CHECK_THROWS_WITH_AS(read_face_index(scratch / "bad.csv"), doctest::Contains("line 2: expected 2 fields, found 1"), Error);
  put(scratch / "bad.csv", "path,identity\n");
  CHECK_THROWS_WITH_AS(read_face_index(scratch / "bad.csv"), doctest::Contains("'file'"), Error);
  CHECK_THROWS_AS(read_face_index(scratch / "none.csv"), Error);
}

TEST_CASE("face index: the share of held-out people is as asked") {
  int held = 0;
  for (int i = 0; i < 4000; ++i) held += is_held_out(text("p", i), 0.05);
  CHECK(std::abs(held - 200) < 5 * std::sqrt(4000 * 0.05 * 0.95));
  CHECK(!is_held_out("anyone", 0));
  CHECK(is_held_out("anyone", 1));
}

namespace {

struct Ramps : Dataset {
  int64_t size() const override { return 20; }
  Sample get(uint64_t, int64_t index) const override {
    Image image(16, 16);
    for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = float((i + size_t(index)) % 97) / 96;
    return {image, {}, text(index)};
  }
};

}  // namespace

TEST_CASE("datasets: flips and degradations change with the epoch and are repeatable") {
  const auto base = std::make_shared<Ramps>();
  const auto flipped = std::make_shared<FlipDataset>(base, 7);
  int mirrored = 0, differs = 0;
  for (int64_t i = 0; i < 20; ++i) {
    const Image plain = base->get(0, i).gt, now = flipped->get(0, i).gt, later = flipped->get(1, i).gt;
    CHECK((now.pixels == plain.pixels || now.pixels == flip_horizontal(plain).pixels));
    mirrored += now.pixels != plain.pixels;
    differs += now.pixels != later.pixels;
  }
  CHECK(mirrored > 0);
  CHECK(mirrored < 20);
  CHECK(differs > 0);
  const DegradeDataset data(flipped, DegradeOptions::stage2().for_size(16), 7);
  const Sample a = data.get(3, 5);
  CHECK(a.gt.pixels == flipped->get(3, 5).gt.pixels);
  CHECK(a.lq.pixels == data.get(3, 5).lq.pixels);
  CHECK(a.lq.pixels != data.get(4, 5).lq.pixels);
  const FixedDataset fixed(std::make_shared<DegradeDataset>(data), 2, 3);
  CHECK(fixed.size() == 3);
  CHECK(fixed.get(9, 0).lq.pixels == data.get(0, 2).lq.pixels);
  CHECK_THROWS_WITH_AS(FixedDataset(base, 18, 3), doctest::Contains("[18,21)"), Error);
}

TEST_CASE("cached dataset: asks its source once, up to its limit") {
  struct Counting : Ramps {
    mutable int asked = 0;
    Sample get(uint64_t epoch, int64_t index) const override { return ++asked, Ramps::get(epoch, index); }
  };
  const auto source = std::make_shared<Counting>();
  const CachedDataset data(source, 2 * 16 * 16 * 3 * sizeof(float));
  for (int round = 0; round < 3; ++round)
    for (int64_t i = 0; i < 3; ++i) CHECK(data.get(0, i).gt.pixels == Ramps().get(0, i).gt.pixels);
  CHECK(source->asked == 2 + 3);  // two samples fit, the third is made each time
}

TEST_CASE("stroke dataset: white strokes over an otherwise unchanged picture") {
  const StrokeDataset data(std::make_shared<Ramps>(), {}, 5);
  const Sample s = data.get(0, 1);
  int white = 0;
  for (size_t i = 0; i < s.gt.pixels.size(); ++i) {
    white += s.lq.pixels[i] == 1;
    CHECK((s.lq.pixels[i] == 1 || (s.lq.pixels[i] <= s.gt.pixels[i] && s.lq.pixels[i] > s.gt.pixels[i] - 1.001f / 255)));
  }
  CHECK(white > 0);
  CHECK(s.lq.pixels == data.get(0, 1).lq.pixels);
  CHECK(s.lq.pixels != data.get(1, 1).lq.pixels);
}

TEST_CASE("strokes: a mask of zeros and ones that covers part of the picture") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Philox random(seed, "test");
    const Image mask = stroke_mask(64, 48, {}, random);
    double covered = 0;
    for (float v : mask.pixels) {
      REQUIRE((v == 0 || v == 1));
      covered += v;
    }
    CHECK(covered > 0);
    CHECK(covered < 64 * 48);
  }
  Philox random(1, "test");
  CHECK_THROWS_AS(stroke_mask(0, 4, {}, random), Error);
  CHECK_THROWS_WITH_AS(paint_white(Image(4, 4), Image(4, 5, 1)), doctest::Contains("4x4x1, got 4x5x1"), Error);
}

TEST_CASE("strokes: no stroke is thinner than its least width, and their share of a face is that of the published options") {
  constexpr int size = 256, radius = 7;  // 15 pixels of 256 are the 30 of 512
  double share = 0;
  constexpr int draws = 12;
  for (uint64_t seed = 0; seed < draws; ++seed) {
    Philox random(seed, "test");
    const Image mask = stroke_mask(size, size, {}, random);
    const auto inside = [&](int y, int x) { return y < 0 || x < 0 || y >= size || x >= size || *mask.at(y, x) > 0; };
    // A mask of discs of at least this radius is what remains of it after opening by such a disc: every pixel lies in one that fits.
    Image opened(size, size, 1);
    for (int y = 0; y < size; ++y)
      for (int x = 0; x < size; ++x) {
        bool fits = true;
        for (int dy = -radius; dy <= radius && fits; ++dy)
          for (int dx = -radius; dx <= radius && fits; ++dx) fits = dy * dy + dx * dx > radius * radius || inside(y + dy, x + dx);
        if (!fits) continue;
        for (int dy = -radius; dy <= radius; ++dy)
          for (int dx = -radius; dx <= radius; ++dx)
            if (dy * dy + dx * dx <= radius * radius && y + dy >= 0 && x + dx >= 0 && y + dy < size && x + dx < size) *opened.at(y + dy, x + dx) = 1;
      }
    int lost = 0, covered = 0;
    for (size_t i = 0; i < mask.pixels.size(); ++i) covered += mask.pixels[i] > 0, lost += mask.pixels[i] > 0 && opened.pixels[i] == 0;
    CHECK(lost <= covered / 50);  // pixels at the rim that a whole disc of pixels does not reach
    share += double(covered) / (size * size) / draws;
  }
  // One to three strokes of 8 to 27 steps of 45 pixels, 25 wide on average: a single one would cover 30 % if it never met itself.
  CHECK(share > 0.15);
  CHECK(share < 0.7);
}

TEST_CASE("drawn dataset: identities and variations") {
  const DrawnDataset data(3, 100, 4, 32, 2), other(3, 102, 2, 32, 2);
  CHECK(data.size() == 4);
  const Sample a = data.get(0, 2);
  CHECK(a.name == "drawn/102/0");
  CHECK(a.gt.h == 32);
  CHECK(a.gt.pixels == other.get(0, 0).gt.pixels);
  CHECK(a.gt.pixels == data.get(2, 2).gt.pixels);
  CHECK(a.gt.pixels != data.get(1, 2).gt.pixels);
  CHECK(a.gt.pixels != data.get(0, 3).gt.pixels);
  CHECK_THROWS_WITH_AS(data.get(0, 4), doctest::Contains("[0,4), got 4"), Error);
  CHECK_THROWS_WITH_AS(DrawnDataset(3, 0, 0, 32), doctest::Contains("count"), Error);
}

TEST_CASE("repeat dataset: one epoch holds several of the source's, each drawn anew") {
  const auto faces = std::make_shared<DrawnDataset>(1, 0, 3, 16);
  const auto degraded = std::make_shared<DegradeDataset>(faces, DegradeOptions::stage2().for_size(16), 5);
  const RepeatDataset repeated(degraded, 4);
  CHECK(repeated.size() == 12);
  const std::array<int, 4> same[] = {{0, 0, 0, 0}, {0, 5, 1, 2}, {0, 11, 3, 2}, {2, 4, 9, 1}};
  for (const auto& [epoch, index, source_epoch, source] : same) {
    CHECK(repeated.get(uint64_t(epoch), index).lq.pixels == degraded->get(uint64_t(source_epoch), source).lq.pixels);
    CHECK(repeated.get(uint64_t(epoch), index).gt.pixels == degraded->get(0, source).gt.pixels);
  }
  CHECK(repeated.get(0, 1).lq.pixels != repeated.get(0, 4).lq.pixels);
  CHECK_THROWS_WITH_AS(repeated.get(0, 12), doctest::Contains("[0,12), got 12"), Error);
  CHECK_THROWS_WITH_AS(RepeatDataset(faces, 0), doctest::Contains("times must be at least 1, got 0"), Error);
}
