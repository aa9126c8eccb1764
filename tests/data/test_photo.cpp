// The photo contract (docs/photos.md): what comes in and what goes out.
#include "data/photo.h"

#include <doctest/doctest.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>

#include "data/codec.h"
#include "data/colour_profile.h"
#include "data/image_file.h"
#include "data/jpeg.h"
#include "data/photo_colours.h"
#include "kernels/base/error.h"
#include "kernels/base/philox.h"
#include "tensor/atomic_file.h"
#include "tests/data/crafted_photos.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;
using namespace kintsugi::testing;
namespace fs = std::filesystem;

namespace {

Samples noise(int h, int w, int c, int depth) {
  Samples s(h, w, c, depth);
  Philox random(1, "photo test");
  for (auto& b : s.bytes) b = uint8_t(random.below(256));
  return s;
}

Photo photo_of(Samples colour, Samples alpha = {}) {
  Photo photo;
  photo.colour = std::move(colour);
  photo.alpha = std::move(alpha);
  return photo;
}

/// Everything that can be carried.
PhotoTags all_tags(ByteVector icc) {
  PhotoTags tags;
  tags.icc = std::move(icc);
  tags.exif = exif_block(1);
  tags.xmp = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>";
  tags.density = {300, 150, Density::per_inch};
  return tags;
}

Photo again(const Photo& photo, PhotoFormat format = PhotoFormat::png, PhotoWriteOptions options = {}) {
  std::vector<std::string> lost;
  const Photo back = decode_photo(encode_photo(photo, format, options, lost), "again");
  CHECK(lost.empty());
  return back;
}

void check_same_tags(const PhotoTags& a, const PhotoTags& b) {
  CHECK(a.icc == b.icc);
  CHECK(a.exif == b.exif);
  CHECK(a.xmp == b.xmp);
}

bool contains(const ByteVector& file, const std::string& part) { return as_text(file).find(part) != std::string::npos; }

/// The picture abc/def, one letter per pixel, as EXIF 2.3 (4.6.4, Orientation) wants it shown.
constexpr const char* kUpright[9] = {"", "abc/def", "cba/fed", "fed/cba", "def/abc", "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};

Samples letters(const std::string& rows, int c, int depth) {
  const size_t w = rows.find('/');
  Samples s(int(std::count(rows.begin(), rows.end(), '/')) + 1, int(w), c, depth);
  size_t at = 0;
  for (const char letter : rows)
    if (letter != '/')
      for (size_t b = 0; b < s.pixel_bytes(); ++b) s.bytes[at++] = uint8_t(letter + 31 * int(b));
  return s;
}

}  // namespace

TEST_CASE("photo: every kind of PNG comes out as it came in, bit for bit") {
  for (const int depth : {8, 16})
    for (const int channels : {1, 3})
      for (const bool with_alpha : {false, true}) {
        CAPTURE(depth);
        CAPTURE(channels);
        CAPTURE(with_alpha);
        Photo photo = photo_of(noise(7, 5, channels, depth), with_alpha ? noise(7, 5, 1, depth) : Samples{});
        photo.tags = all_tags(channels == 3 ? display_p3() : grey_profile(1.8));
        std::vector<std::string> lost;
        const ByteVector file = encode_photo(photo, PhotoFormat::png, {}, lost);
        CHECK(lost.empty());
        CHECK(file[24] == depth);
        CHECK(file[25] == (channels == 3 ? 2 : 0) + (with_alpha ? 4 : 0));
        const Photo back = decode_photo(file, "again");
        CHECK(back.format == PhotoFormat::png);
        CHECK(back.stored_as == (channels == 3 ? ColourType::rgb : ColourType::grey));
        CHECK(back.colour.bytes == photo.colour.bytes);
        CHECK(back.colour.depth == depth);
        CHECK(back.alpha.bytes == photo.alpha.bytes);
        CHECK(back.notes.empty());
        check_same_tags(back.tags, photo.tags);
        CHECK(back.tags.density.unit == Density::per_metre);
        CHECK(back.tags.density.x == 11811);
        CHECK(back.tags.density.y == 5906);
        std::vector<std::string> lost_again;
        CHECK(encode_photo(back, PhotoFormat::png, {}, lost_again) == file);
      }
}

TEST_CASE("photo: a palette with transparency becomes RGB and alpha; a PNG's own words about colours stay") {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  ByteVector file;
  png_set_write_fn(png, &file, [](png_structp p, png_bytep data, size_t n) {
    auto& bytes = *static_cast<ByteVector*>(png_get_io_ptr(p));
    bytes.insert(bytes.end(), data, data + n);
  }, [](png_structp) {});
  png_set_IHDR(png, info, 3, 1, 2, PNG_COLOR_TYPE_PALETTE, 0, 0, 0);
  const png_color palette[] = {{255, 0, 0}, {0, 51, 255}, {9, 8, 7}};
  png_set_PLTE(png, info, palette, 3);
  const png_byte alpha[] = {0, 128};
  png_set_tRNS(png, info, alpha, 2, nullptr);
  png_set_gAMA_fixed(png, info, 100000);
  png_byte row[] = {0b01'00'10'00};
  png_bytep rows[] = {row};
  png_set_rows(png, info, rows);
  png_write_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&png, &info);

  const Photo photo = decode_photo(file, "palette");
  CHECK(photo.stored_as == ColourType::palette);
  CHECK(photo.colour.bytes == ByteVector{0, 51, 255, 255, 0, 0, 9, 8, 7});
  CHECK(photo.alpha.bytes == ByteVector{128, 0, 255});
  CHECK(photo.tags.png_colour.gamma == 100000);
  const Photo back = again(photo);
  CHECK(back.colour.bytes == photo.colour.bytes);
  CHECK(back.alpha.bytes == photo.alpha.bytes);
  CHECK(back.tags.png_colour.gamma == 100000);
}

TEST_CASE("photo: EXIF's eight orientations are applied once, and the file then says upright") {
  for (int k = 1; k <= 8; ++k)
    for (const int depth : {8, 16})
      for (const bool big_endian : {false, true}) {
        CAPTURE(k);
        Photo stored = photo_of(letters("abc/def", 3, depth), letters("abc/def", 1, depth));
        stored.tags.exif = exif_block(k, big_endian, 56);
        stored.tags.xmp = "<rdf:Description tiff:Orientation=\"" + std::to_string(k) + "\"/>";
        stored.tags.density = {300, 150, Density::per_metre};
        const Photo shown = again(stored);
        const Samples colour = letters(kUpright[k], 3, depth);
        CHECK(shown.orientation == k);
        CHECK(shown.colour.h == colour.h);
        CHECK(shown.colour.w == colour.w);
        CHECK(shown.colour.bytes == colour.bytes);
        CHECK(shown.alpha.bytes == letters(kUpright[k], 1, depth).bytes);
        CHECK(shown.tags.exif == exif_block(1, big_endian, k == 1 ? 56 : 0));
        CHECK(shown.tags.xmp == "<rdf:Description tiff:Orientation=\"1\"/>");
        CHECK(shown.tags.density.x == (k < 5 ? 300 : 150));
        const Photo once = again(shown);
        CHECK(once.orientation == 1);
        CHECK(once.colour.bytes == shown.colour.bytes);
      }
}

TEST_CASE("photo: JPEG keeps profile, EXIF, XMP, density and chroma sampling; a rotated one comes out upright") {
  Image image(32, 16);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 16; ++x)
      for (int c = 0; c < 3; ++c) image.at(y, x)[c] = y < 16 ? 0.9f : 0.2f;
  Photo photo = photo_of(quantised(image, 8));
  photo.tags = all_tags(ByteVector(200'000, 7));  // a profile of several markers, and no profile at all: carried all the same
  photo.tags.exif = exif_block(6);
  photo.tags.chroma_h = 2, photo.tags.chroma_v = 1;
  const Photo shown = again(photo, PhotoFormat::jpeg);
  CHECK(shown.format == PhotoFormat::jpeg);
  CHECK(shown.orientation == 6);
  REQUIRE(shown.colour.h == 16);
  REQUIRE(shown.colour.w == 32);
  CHECK(shown.colour.bytes[0] < 60);  // the light upper half is on the right now
  CHECK(shown.colour.bytes[31 * 3] > 220);
  CHECK(shown.tags.icc == photo.tags.icc);
  CHECK(shown.tags.exif == exif_block(1));
  CHECK(shown.tags.xmp == photo.tags.xmp);
  CHECK(shown.tags.density.unit == Density::per_inch);
  CHECK(shown.tags.density.x == 150);
  CHECK(shown.tags.density.y == 300);
  CHECK(shown.tags.chroma_h == 1);
  CHECK(shown.tags.chroma_v == 2);
  std::vector<std::string> notes;
  srgb_of(shown, notes);
  CHECK(notes.size() == 1);
  const Photo once = again(shown, PhotoFormat::jpeg);
  CHECK(once.orientation == 1);
  CHECK(once.tags.chroma_v == 2);
  check_same_tags(once.tags, shown.tags);
  std::vector<std::string> lost;
  const Photo as_png = decode_photo(encode_photo(once, PhotoFormat::png, {}, lost), "as PNG");
  CHECK(as_png.colour.bytes == once.colour.bytes);
  CHECK(as_png.tags.exif == once.tags.exif);
  CHECK(as_png.tags.xmp == once.tags.xmp);
  CHECK(as_png.tags.icc.empty());
  REQUIRE(lost.size() == 1);  // libpng looks at profiles
  CHECK(lost[0].find("profile") != std::string::npos);
}

TEST_CASE("photo: a grey JPEG is grey; tags too long for a JPEG are named") {
  Photo grey = photo_of(Samples(8, 8, 1, 8));
  grey.tags.xmp = std::string(70'000, ' ');
  grey.tags.exif = exif_block(1);
  grey.tags.exif.resize(70'000);
  std::vector<std::string> lost;
  const Photo back = decode_photo(encode_photo(grey, PhotoFormat::jpeg, {}, lost), "grey");
  CHECK(back.stored_as == ColourType::grey);
  CHECK(back.colour.c == 1);
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].find("EXIF of 70000 bytes") != std::string::npos);
  CHECK(lost[1].find("XMP of 70000 bytes") != std::string::npos);
}

TEST_CASE("photo: CMYK becomes RGB, by its profile where there is lcms2") {
  for (const bool adobe : {false, true}) {
    const ByteVector plain = cmyk_jpeg({0, 255, 128, 0}, adobe, 8);
    const Photo naive = decode_photo(plain, "cmyk");
    CHECK(naive.stored_as == ColourType::cmyk);
    REQUIRE(naive.colour.c == 3);
    CHECK(naive.colour.bytes[0] >= 253);
    CHECK(naive.colour.bytes[1] <= 2);
    CHECK(std::abs(naive.colour.bytes[2] - 127) <= 2);
    REQUIRE(naive.notes.size() == 1);
    CHECK(naive.notes[0].find("without a profile") != std::string::npos);
    CHECK(again(naive, PhotoFormat::jpeg).stored_as == ColourType::rgb);

    const Photo managed = decode_photo(with_marker(plain, 0xe2, std::string("ICC_PROFILE\0\1\1", 14) + as_text(ink_profile())), "cmyk");
    REQUIRE(managed.notes.size() == 1);
    CHECK(managed.tags.icc.empty());
    if (!has_colour_conversion()) continue;
    CHECK(managed.notes[0].find("by the embedded profile") != std::string::npos);
    // Without black this profile says white, whatever the other inks.
    for (int c = 0; c < 3; ++c) CHECK(managed.colour.bytes[size_t(c)] >= 253);
  }
}

TEST_CASE("photo: alpha does not go into a JPEG unless it is opaque; 16 bits become 8 with a word") {
  const Scratch folder;
  Photo photo = photo_of(noise(4, 4, 3, 16), noise(4, 4, 1, 16));
  CHECK_THROWS_WITH_AS(write_photo(folder / "a.jpg", photo), doctest::Contains("transparency"), Error);
  CHECK(folder.entries() == 0);
  std::fill(photo.alpha.bytes.begin(), photo.alpha.bytes.end(), uint8_t(255));
  const auto lost = write_photo(folder / "a.jpg", photo);
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].find("16 became 8") != std::string::npos);
  CHECK(lost[1].find("opaque") != std::string::npos);
  CHECK(reduced_to_bytes(quantised(to_floats(photo.colour), 16)).bytes == quantised(to_floats(photo.colour), 8).bytes);
  CHECK_THROWS_WITH_AS(write_photo(folder / "a.gif", photo), doctest::Contains("expected a name ending in"), Error);
  CHECK_THROWS_WITH_AS(check_fits(photo_of(Samples(1, 65501, 3, 8)), PhotoFormat::jpeg), doctest::Contains("at most 65500"), Error);
}

TEST_CASE("photo: WebP, where the build has libwebp") {
  if (!has_webp()) {
    CHECK_THROWS_WITH_AS(encode_webp({}, {}), doctest::Contains("no libwebp"), Error);
    return;
  }
  Photo photo = photo_of(noise(9, 6, 3, 8), noise(9, 6, 1, 8));
  photo.tags = all_tags(display_p3());
  photo.tags.exif = exif_block(8);
  photo.tags.lossless = true;
  const Photo shown = again(photo, PhotoFormat::webp);
  CHECK(shown.format == PhotoFormat::webp);
  CHECK(shown.tags.lossless);
  CHECK(shown.colour.bytes == upright(photo.colour, 8).bytes);
  CHECK(shown.alpha.bytes == upright(photo.alpha, 8).bytes);
  CHECK(shown.tags.icc == photo.tags.icc);
  CHECK(shown.tags.exif == exif_block(1));
  CHECK(shown.tags.xmp == photo.tags.xmp);

  Photo plain = photo_of(quantised(Image(32, 32, 3, 0.5f), 8));
  std::vector<std::string> lost;
  const ByteVector file = encode_photo(plain, PhotoFormat::webp, {.quality = 90, .note = "a <note> & more", .software = {}}, lost);
  CHECK(contains(file, "a &lt;note> &amp; more"));
  const Photo back = decode_photo(file, "plain");
  CHECK(!back.tags.lossless);
  CHECK(back.alpha.empty());
  for (const uint8_t v : back.colour.bytes) CHECK(std::abs(v - 128) <= 3);
  for (const size_t kept : {file.size() - 1, file.size() / 2, size_t(20)})
    CHECK_THROWS_WITH_AS(decode_photo(Bytes(file).first(kept), "cut"), doctest::Contains("cut"), Error);
}

TEST_CASE("photo: the note can be found and left out") {
  const Photo photo = photo_of(noise(4, 4, 3, 8));
  const std::string note = "a plausible invention, not evidence";
  for (const PhotoFormat format : {PhotoFormat::png, PhotoFormat::jpeg}) {
    std::vector<std::string> lost;
    const ByteVector with = encode_photo(photo, format, {.quality = 95, .note = note, .software = "Kintsugi"}, lost);
    CHECK(contains(with, note));
    CHECK(contains(with, "Kintsugi") == (format == PhotoFormat::png));
    CHECK_NOTHROW(decode_photo(with, "with"));
    CHECK(!contains(encode_photo(photo, format, {}, lost), "invention"));
  }
}

TEST_CASE("photo: content decides, whatever the name; other than ASCII names work") {
  const Scratch folder;
  const fs::path name = folder / u8"Ægir Þór 写真 \U0001F642.png";
  write_photo(folder / "a.jpeg", photo_of(noise(8, 8, 3, 8)));
  fs::rename(folder / "a.jpeg", name);
  CHECK(read_photo(name).format == PhotoFormat::jpeg);
  CHECK(image_format(name) == std::string("JPEG"));
  CHECK(read_photo(name).colour.h == 8);
  CHECK_THROWS_WITH_AS(read_photo(folder / u8"ö.png"), doctest::Contains("No such file"), Error);
  write_photo(folder / "dot.png", photo_of(noise(1, 1, 3, 16)));
  CHECK(read_photo(folder / "dot.png").colour.bytes.size() == 6);
}

TEST_CASE("photo: BMP, TGA and PNM come in with their depth and alpha and go out as PNG") {
  ByteVector tga{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 32, 0x28, 3, 2, 1, 77};
  Photo photo = decode_photo(tga, "tga");
  CHECK(photo.format == PhotoFormat::tga);
  CHECK(photo.colour.bytes == ByteVector{1, 2, 3});
  CHECK(photo.alpha.bytes == ByteVector{77});
  CHECK(ending_of(photo.format) == std::string(".png"));
  tga.back() = 0;  // nothing but zeros: not meant
  CHECK(decode_photo(tga, "tga").alpha.empty());
  const std::string pgm("P5 2 1 65535\n\x12\x34\xff\xff", 17);
  photo = decode_photo(ByteVector(pgm.begin(), pgm.end()), "pgm");
  CHECK(photo.stored_as == ColourType::grey);
  CHECK(photo.colour.depth == 16);
  CHECK(to_floats(photo.colour).pixels[0] == 0x1234 / 65535.0f);
}

TEST_CASE("photo: a profile brings colours to sRGB and back to within a level") {
  if (!has_colour_conversion()) {
    CHECK(use_of_profile(display_p3(), 3) == ProfileUse::unusable);
    CHECK(use_of_profile(srgb_profile(), 3) == ProfileUse::none_needed);
    return;
  }
  CHECK(use_of_profile({}, 3) == ProfileUse::none_needed);
  CHECK(use_of_profile(srgb_profile(), 3) == ProfileUse::none_needed);
  CHECK(use_of_profile(display_p3(), 3) == ProfileUse::convert);
  CHECK(use_of_profile(adobe_rgb(), 3) == ProfileUse::convert);
  CHECK(use_of_profile(grey_profile(1.8), 1) == ProfileUse::convert);
  CHECK(use_of_profile(grey_profile(1.8), 3) == ProfileUse::unusable);
  CHECK(use_of_profile(ByteVector(500, 1), 3) == ProfileUse::unusable);
  CHECK(profile_name(display_p3()) == "Display P3");

  Samples grid(33, 33 * 33, 3, 8);
  for (size_t i = 0; i < grid.bytes.size() / 3; ++i) {
    size_t rest = i;
    for (size_t c = 0; c < 3; ++c, rest /= 33) grid.bytes[3 * i + c] = uint8_t(rest % 33 * 255 / 32);
  }
  for (const auto& icc : {display_p3(), adobe_rgb()}) {
    const Samples back = quantised(srgb_to_profile(profile_to_srgb(to_floats(grid), icc), icc, 3), 8);
    int worst = 0;
    for (size_t i = 0; i < grid.bytes.size(); ++i) worst = std::max(worst, std::abs(int(back.bytes[i]) - int(grid.bytes[i])));
    CHECK(worst <= 1);
  }
  // Full red of Display P3 by its matrices: linear sRGB (1.2249, -0.0420, -0.0196), clamped for the network to pure red.
  Photo red = photo_of(Samples(1, 1, 3, 8));
  red.colour.bytes = {255, 0, 0};
  red.tags.icc = display_p3();
  std::vector<std::string> notes;
  const Image seen = srgb_of(red, notes);
  CHECK(notes.empty());
  CHECK(seen.pixels == std::vector<float>{1, 0, 0});
  const Image wide = profile_to_srgb(to_floats(red.colour), red.tags.icc);
  CHECK(std::abs(wide.pixels[0] - (1.055f * std::pow(1.2249f, 1 / 2.4f) - 0.055f)) < 0.005f);
  // Pure sRGB red in Display P3 is (0.9175, 0.2003, 0.1387).
  Image black = seen;
  black.pixels = {0, 0, 0};
  set_srgb(red, black, seen, true);
  for (size_t c = 0; c < 3; ++c) CHECK(std::abs(red.colour.bytes[c] / 255.0 - std::array{0.9175, 0.2003, 0.1387}[c]) < 0.01);
}

TEST_CASE("photo: new colours go in at the photograph's depth; what was not touched keeps its bits") {
  Photo photo = photo_of(noise(6, 6, 3, 16), noise(6, 6, 1, 16));
  photo.tags.icc = display_p3();
  const Samples colour = photo.colour, alpha = photo.alpha;
  std::vector<std::string> notes;
  const Image before = srgb_of(photo, notes);
  Image after = before;
  set_srgb(photo, before, after, true);
  CHECK(photo.colour.bytes == colour.bytes);
  for (float* v = after.at(2, 3); v < after.at(2, 4); ++v) *v = 0.5f;
  set_srgb(photo, before, after, true);
  CHECK(photo.alpha.bytes == alpha.bytes);
  CHECK(photo.tags.icc == display_p3());
  for (size_t i = 0; i < 36; ++i) {
    const bool same = std::equal(colour.bytes.begin() + std::ptrdiff_t(6 * i), colour.bytes.begin() + std::ptrdiff_t(6 * i + 6),
                                 photo.colour.bytes.begin() + std::ptrdiff_t(6 * i));
    CHECK(same == (i != 2 * 6 + 3));
  }
  uint16_t grey[3];
  std::memcpy(grey, photo.colour.bytes.data() + 6 * 15, 6);
  for (const int v : grey) CHECK(std::abs(v - 32768) <= 40);  // neutral stays neutral: the white points agree to 1e-3 of a level
  CHECK_THROWS_WITH_AS(set_srgb(photo, before, Image(5, 6), true), doctest::Contains("after must be [6,6,3], got [5,6,3]"), Error);
}

TEST_CASE("photo: grey stays grey unless colour is asked for") {
  for (const int channels : {1, 3}) {
    Photo photo = photo_of(Samples(2, 2, channels, 16), noise(2, 2, 1, 16));
    photo.stored_as = channels == 1 ? ColourType::grey : ColourType::rgb;
    if (channels == 1) photo.tags.icc = grey_profile(1.8);
    REQUIRE(is_grey(photo));
    std::vector<std::string> notes;
    const Image before = srgb_of(photo, notes);
    CHECK(before.c == 3);
    Image after(2, 2);
    for (int i = 0; i < 4; ++i) after.pixels[size_t(3 * i)] = 1;  // red: 0.299
    Photo kept = photo, coloured = photo;
    set_srgb(kept, before, after, true);
    CHECK(kept.colour.c == channels);
    CHECK(is_grey(kept));
    CHECK(kept.tags.icc == photo.tags.icc);
    if (channels == 3) CHECK(to_floats(kept.colour).pixels[0] == doctest::Approx(0.299).epsilon(1e-4));
    else if (has_colour_conversion())  // the grey profile's gamma in place of sRGB's curve
      CHECK(to_floats(kept.colour).pixels[0] == doctest::Approx(std::pow(std::pow((0.299 + 0.055) / 1.055, 2.4), 1 / 1.8)).epsilon(2e-3));
    set_srgb(coloured, before, after, false);
    CHECK(coloured.colour.c == 3);
    CHECK(!is_grey(coloured));
    CHECK(coloured.tags.icc.empty());
    CHECK(coloured.alpha.bytes == photo.alpha.bytes);
    CHECK(again(coloured).colour.bytes == coloured.colour.bytes);
  }
}
