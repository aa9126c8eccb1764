#include "data/pack.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "data/face_index.h"
#include "data/folder_dataset.h"
#include "data/image_file.h"
#include "data/pack_dataset.h"
#include "data/prepare.h"
#include "data/resize.h"
#include "kernels/base/error.h"
#include "kernels/base/philox.h"
#include "tests/data/packs.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;
using namespace kintsugi::testing;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

Image pattern(int h, int w, int k) {
  Image image(h, w);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = float((i * 37 + size_t(k) * 11) % 251) / 255;
  return image;
}

/// Six pictures of four people, in folders and formats; one copy, one damaged picture, one file that is none.
struct Photos {
  Scratch scratch;
  fs::path folder = scratch / "photos";
  Photos() {
    fs::create_directories(folder / "a");
    write_image(folder / "a" / "wide.png", pattern(20, 30, 1));
    write_image(folder / "a" / "exact.png", pattern(16, 16, 2));
    write_image(folder / "b.jpg", pattern(24, 24, 3));
    write_image(folder / "small.png", pattern(8, 8, 4));
    fs::copy_file(folder / "small.png", folder / "twin.png");
    write_image(folder / "z.png", pattern(16, 16, 5));
    put(folder / "broken.png", "\x89PNG\r\n\x1a\n and no more");
    put(folder / "empty.jpg", "");
    put(folder / "notes.txt", "hello");
    put(folder / "index.csv", "file,identity\na/wide.png,ann\nb.jpg,ann\na/exact.png,bob\nsmall.png,cy\n");
  }
  PrepareReport pack(const char* name, int size, bool unique = false, bool with_index = true) {
    return prepare({.source = folder, .index = with_index ? folder / "index.csv" : fs::path(), .out = scratch / name, .size = size, .unique = unique});
  }
};

std::vector<uint8_t> bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("prepare: counts, unreadable files, duplicates and who is who") {
  Photos photos;
  const PrepareReport looked = prepare({.source = photos.folder, .index = photos.folder / "index.csv"});
  REQUIRE(looked.pictures.size() == 8);
  CHECK(looked.pack_bytes == 0);
  CHECK(looked.others == std::vector<std::string>{"index.csv", "notes.txt"});
  const auto find = [&](const std::string& name) -> const PictureFacts& {
    return *std::find_if(looked.pictures.begin(), looked.pictures.end(), [&](const auto& p) { return p.name == name; });
  };
  CHECK(find("a/wide.png").w == 30);
  CHECK(find("a/wide.png").identity == "ann");
  CHECK(find("b.jpg").format == "JPEG");
  CHECK(find("z.png").identity == "");
  CHECK(find("broken.png").error.find("broken.png") != std::string::npos);
  CHECK(find("empty.jpg").error.find("an empty file") != std::string::npos);
  CHECK(looked.pictures[size_t(find("twin.png").same_as)].name == "small.png");
  CHECK(find("small.png").same_as == -1);
  CHECK(photos.pack("all.pack", 0).packed == 6);
  CHECK(photos.pack("unique.pack", 0, true).packed == 5);
  CHECK(Pack(photos.scratch / "unique.pack").size() == 5);
}

TEST_CASE("pack: the same samples and parts as the folder it was made from") {
  Photos photos;
  for (const bool with_index : {true, false}) {
    photos.pack("files.pack", 0, false, with_index);
    photos.pack("rgb.pack", 16, false, with_index);
    fs::remove(photos.folder / "broken.png");  // which the folder dataset would stumble over
    for (auto part : {PictureOptions::Part::all, PictureOptions::Part::train, PictureOptions::Part::held_out}) {
      PictureOptions o{.size = 16, .index = with_index ? photos.folder / "index.csv" : fs::path(), .holdout = 0.5, .part = part};
      const DatasetPtr folder = open_pictures(photos.folder, o);
      o.index.clear();
      const DatasetPtr files = open_pictures(photos.scratch / "files.pack", o), rgb = open_pictures(photos.scratch / "rgb.pack", o);
      CHECK(rgb->in_memory());
      CHECK(!files->in_memory());
      REQUIRE(files->size() == folder->size());
      REQUIRE(rgb->size() == folder->size());
      for (int64_t i = 0; i < folder->size(); ++i) {
        const Sample a = folder->get(0, i), b = files->get(0, i), c = rgb->get(0, i);
        CHECK(a.name == b.name);
        CHECK(a.name == c.name);
        CHECK(a.gt.pixels == b.gt.pixels);
        Image rounded = a.gt;
        round_to_bytes(rounded);
        CHECK(c.gt.pixels == rounded.pixels);
      }
    }
  }
  const PackDataset other(photos.scratch / "rgb.pack", {.size = 8});
  CHECK(!other.in_memory());
  CHECK(other.get(0, 0).gt.h == 8);
}

TEST_CASE("pack: from a pack, at another size; and what is refused") {
  Photos photos;
  photos.pack("files.pack", 0);
  photos.pack("direct.pack", 8);
  prepare({.source = photos.scratch / "files.pack", .out = photos.scratch / "again.pack", .size = 8});
  CHECK(bytes_of(photos.scratch / "again.pack") == bytes_of(photos.scratch / "direct.pack"));  // and twice the same bytes
  CHECK_THROWS_WITH_AS(prepare({.source = photos.scratch / "direct.pack", .out = photos.scratch / "x.pack"}), doctest::Contains("RGB already"), Error);
  CHECK_THROWS_WITH_AS(open_pictures(photos.scratch / "direct.pack", {.size = 8, .index = photos.folder / "index.csv"}),
                       doctest::Contains("leave out the index"), Error);
  CHECK_THROWS_WITH_AS(open_pictures(photos.folder / "notes.txt", {}), doctest::Contains("found text"), Error);
  CHECK_THROWS_WITH_AS(open_pictures(photos.folder / "z.png", {}), doctest::Contains("a folder of pictures or a pack"), Error);
  CHECK_THROWS_WITH_AS(open_pictures(photos.folder / "none", {}), doctest::Contains("no such folder"), Error);
  CHECK_THROWS_WITH_AS(open_pictures(photos.scratch / "direct.pack", {.size = 8, .holdout = 0, .part = PictureOptions::Part::held_out}),
                       doctest::Contains("held-out part"), Error);
  CHECK_THROWS_WITH_AS(Pack(photos.scratch / "none.pack"), doctest::Contains("none.pack"), Error);
}

TEST_CASE("prepare: stopped or failed, nothing is left behind and what was there stays") {
  Photos photos;
  photos.pack("old.pack", 0);
  const auto before = bytes_of(photos.scratch / "old.pack");
  const int entries = photos.scratch.entries();
  const PrepareReport stopped = prepare({.source = photos.folder, .out = photos.scratch / "old.pack", .progress = [](int64_t done, int64_t all) { return done < all; }});
  CHECK(stopped.stopped);
  for (const char* name : {"a/wide.png", "a/exact.png", "b.jpg", "small.png", "twin.png", "z.png"}) put(photos.folder / name, "\x89PNG\r\n\x1a\n");
  CHECK_THROWS_WITH_AS(photos.pack("old.pack", 0), doctest::Contains("none of its 8 pictures can be read"), Error);
  CHECK(bytes_of(photos.scratch / "old.pack") == before);
  CHECK(photos.scratch.entries() == entries);
}

TEST_CASE("pack: every damaged byte is noticed, and every cut") {
  for (const PackStorage storage : {PackStorage::encoded, PackStorage::rgb8}) {
    const std::vector<uint8_t> good = small_pack(storage);
    const auto read_all = [](Bytes bytes) {
      const Pack pack(bytes, "test.pack");
      for (int64_t i = 0; i < pack.size(); ++i) pack.picture(i);
    };
    read_all(good);
    // Zeros between pictures belong to nobody; everything else is under a checksum.
    std::vector<bool> covered(good.size(), true);
    const Pack pack(good, "test.pack");
    for (int64_t i = 0; i < pack.size(); ++i) {
      const auto end = size_t(pack.entry(i).bytes.data() + pack.entry(i).bytes.size() - good.data());
      for (size_t p = end; p < pack_format::aligned(end); ++p) covered[p] = false;
    }
    for (size_t at = 0; at < good.size(); ++at)
      for (const uint8_t flip : {uint8_t(1), uint8_t(0x80)}) {
        if (!covered[at]) continue;
        std::vector<uint8_t> bad = good;
        bad[at] ^= flip;
        CHECK_THROWS_AS_MESSAGE(read_all(bad), Error, "byte ", at);
      }
    for (size_t length = 0; length < good.size(); ++length) CHECK_THROWS_AS(read_all(Bytes(good).first(length)), Error);
    std::vector<uint8_t> longer = good;
    longer.push_back(0);
    CHECK_THROWS_AS(read_all(longer), Error);
  }
}

TEST_CASE("pack: with right checksums, what does not fit together is still refused by name") {
  const std::vector<uint8_t> good = small_pack(PackStorage::rgb8);
  const auto refused = [&](auto&& change, const char* why) {
    PackParts parts(good);
    change(parts);
    const std::vector<uint8_t> bytes = parts.sealed();
    CHECK_THROWS_WITH_AS(Pack(bytes, "test.pack"), doctest::Contains(why), Error);
  };
  refused([](PackParts& p) { p.header.version = 2; }, "version 2, this program reads version 1");
  refused([](PackParts& p) { p.header.storage = PackStorage(7); }, "in way 7");
  refused([](PackParts& p) { p.header.side = 0; }, "a side of 0");
  refused([](PackParts& p) { p.header.side = 5; }, "must be 5x5");
  refused([](PackParts& p) { p.header.side = 1 << 30; }, "at most 200 million");
  refused([](PackParts& p) { p.header.zero[3] = 1; }, "header is damaged");
  refused([](PackParts& p) { p.trailer.count = 0; }, "cannot list 0 pictures");
  refused([](PackParts& p) { p.trailer.count = UINT64_MAX / 40; }, "cannot list");
  refused([](PackParts& p) { p.trailer.index_offset = UINT64_MAX - 8; }, "must fill the bytes up to the trailer");
  refused([](PackParts& p) { p.records[0].offset = UINT64_MAX - 2; }, "must lie at 64");
  refused([](PackParts& p) { p.records[1].bytes = UINT64_MAX; }, "in 18446744073709551615");
  refused([](PackParts& p) { p.records[1].name_bytes = 1 << 20; }, "cut off at picture 1");
  refused([](PackParts& p) { p.records[1].h = 0; }, "empty");
  refused([](PackParts& p) { p.records[0].zero = 1; }, "a name of its own");
  refused([](PackParts& p) { p.words += '!'; }, "bytes too many");
  refused([](PackParts& p) { std::swap(p.records[0], p.records[1]); }, "must lie at 64");
  refused([](PackParts& p) { p.records.pop_back(); p.trailer.count -= 1; }, "too many");
  PackParts renamed(good);
  REQUIRE(renamed.words == "oneanntwobob");
  renamed.words = "oneannTWObob";
  const std::vector<uint8_t> other = renamed.sealed();
  CHECK(Pack(other, "test.pack").entry(1).name == "TWO");
  refused([](PackParts& p) { p.words = "oneannonebob"; }, "a name of its own, got 'one'");
}

TEST_CASE("pack: random changes with right checksums are read or refused, nothing else") {
  Philox random(6, "mutations");
  int read = 0, refused = 0;
  for (const PackStorage storage : {PackStorage::encoded, PackStorage::rgb8}) {
    const std::vector<uint8_t> good = small_pack(storage);
    for (int trial = 0; trial < 3000; ++trial) {
      std::vector<uint8_t> bad = good;
      for (uint32_t changes = 1 + random.below(3); changes > 0; --changes) {
        // Half of the changes fall on the index and the trailer; some make a number huge.
        const size_t half = bad.size() / 2, at = random.below(2) ? half + random.below(uint32_t(bad.size() - half)) : random.below(uint32_t(bad.size()));
        bad[at] = random.below(3) ? uint8_t(bad[at] ^ (1u << random.below(8))) : uint8_t(0xff);
      }
      if (random.below(8) == 0) bad.resize(random.below(uint32_t(bad.size())));
      PackParts::seal(bad);
      try {
        const Pack pack(bad, "test.pack");
        for (int64_t i = 0; i < pack.size(); ++i) pack.picture(i);
        ++read;
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  CHECK(read + refused == 6000);
  CHECK(read > 100);     // changed pixels and names
  CHECK(refused > 1000);
}

TEST_CASE("pack writer: what does not belong into a pack is refused") {
  const Scratch scratch;
  PackWriter writer(scratch / "x.pack", PackStorage::rgb8, 2);
  const std::vector<uint8_t> pixels(12, 7);
  CHECK_THROWS_WITH_AS(writer.add("", "", 2, 2, pixels), doctest::Contains("needs a name"), Error);
  CHECK_THROWS_WITH_AS(writer.add("a", "", 2, 3, pixels), doctest::Contains("do not fit"), Error);
  CHECK_THROWS_WITH_AS(writer.commit(), doctest::Contains("at least one"), Error);
  writer.add("a", "", 2, 2, pixels);
  writer.add("a", "", 2, 2, pixels);
  CHECK_THROWS_WITH_AS(writer.commit(), doctest::Contains("one name"), Error);
  CHECK_THROWS_WITH_AS(PackWriter(scratch / "y.pack", PackStorage::encoded, 2), doctest::Contains("no side"), Error);
  CHECK(crc32_of(Bytes(reinterpret_cast<const uint8_t*>("123456789"), 9)) == 0xCBF43926u);  // the standard's check value
}
