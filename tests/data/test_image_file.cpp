#include "data/image_file.h"

#include <doctest/doctest.h>
#include <png.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <jpeglib.h>

#include "data/jpeg.h"
#include "kernels/base/error.h"
#include "kernels/base/philox.h"
#include "tensor/atomic_file.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

ByteImage noise(int h, int w, int c = 3) {
  ByteImage image{h, w, c, std::vector<uint8_t>(size_t(h) * w * c)};
  Philox random(1, "image test");
  for (auto& v : image.pixels) v = uint8_t(random.below(256));
  return image;
}

/// A smooth picture, which JPEG keeps well.
Image ramp(int h, int w) {
  Image image(h, w);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x)
      for (int c = 0; c < 3; ++c) image.at(y, x)[c] = 0.1f + 0.8f * float(x + y * (c + 1)) / float(w + 3 * h);
  return image;
}

/// Writes a PNG of any kind, from rows already packed as that kind wants them.
std::vector<uint8_t> make_png(int w, int h, int depth, int colour, int interlace, std::vector<std::vector<uint8_t>> rows,
                              std::vector<png_color> palette = {}) {
  std::vector<uint8_t> out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  const auto append = [](png_structp p, png_bytep data, size_t n) {
    auto& bytes = *static_cast<std::vector<uint8_t>*>(png_get_io_ptr(p));
    bytes.insert(bytes.end(), data, data + n);
  };
  png_set_write_fn(png, &out, append, [](png_structp) {});
  png_set_IHDR(png, info, w, h, depth, colour, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), int(palette.size()));
  std::vector<uint8_t*> pointers;
  for (auto& row : rows) pointers.push_back(row.data());
  png_set_rows(png, info, pointers.data());
  png_write_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

std::vector<uint8_t> as_bytes(const std::string& s) { return {s.begin(), s.end()}; }

void check_pixels(const Image& image, int h, int w, std::vector<float> expected) {
  REQUIRE(image.h == h);
  REQUIRE(image.w == w);
  REQUIRE(image.c == 3);
  for (size_t i = 0; i < expected.size(); ++i) CHECK(image.pixels[i] == expected[i]);
}

}  // namespace

TEST_CASE("image file: PNG keeps 8-bit pixels exactly") {
  Scratch scratch;
  for (auto [h, w] : {std::pair{1, 1}, {7, 5}, {64, 33}}) {
    const ByteImage image = noise(h, w);
    write_image(scratch / "a.png", from_bytes(image));
    CHECK(to_bytes(read_image(scratch / "a.png")).pixels == image.pixels);
  }
  CHECK(scratch.entries() == 1);
}

TEST_CASE("image file: grey pictures come back as three equal channels") {
  Scratch scratch;
  const ByteImage grey = noise(6, 5, 1);
  write_image(scratch / "g.png", from_bytes(grey));
  const ByteImage rgb = to_bytes(read_image(scratch / "g.png"));
  REQUIRE(rgb.c == 3);
  for (size_t i = 0; i < grey.pixels.size(); ++i)
    for (int c = 0; c < 3; ++c) CHECK(rgb.pixels[i * 3 + c] == grey.pixels[i]);
  write_image(scratch / "g.jpg", from_bytes(grey), 90);
  CHECK(read_image(scratch / "g.jpg").c == 3);
}

TEST_CASE("image file: PNG of 1, 8 (palette) and 16 bits, alpha, interlaced") {
  check_pixels(decode_image(make_png(3, 1, 1, PNG_COLOR_TYPE_GRAY, 0, {{0b10100000}}), "bits"), 1, 3,
               {1, 1, 1, 0, 0, 0, 1, 1, 1});
  check_pixels(decode_image(make_png(2, 1, 8, PNG_COLOR_TYPE_PALETTE, 0, {{1, 0}}, {{255, 0, 0}, {0, 51, 255}}), "palette"), 1,
               2, {0, 51.0f / 255, 1, 1, 0, 0});
  check_pixels(decode_image(make_png(1, 1, 16, PNG_COLOR_TYPE_RGB, 0, {{0x12, 0x34, 0, 1, 0xff, 0xff}}), "wide"), 1, 1,
               {0x1234 / 65535.0f, 1 / 65535.0f, 1});
  check_pixels(decode_image(make_png(1, 1, 16, PNG_COLOR_TYPE_GRAY_ALPHA, 0, {{0x80, 0, 0, 0}}), "grey alpha"), 1, 1,
               {0x8000 / 65535.0f, 0x8000 / 65535.0f, 0x8000 / 65535.0f});
  check_pixels(decode_image(make_png(1, 1, 8, PNG_COLOR_TYPE_RGB_ALPHA, 0, {{255, 51, 0, 7}}), "alpha"), 1, 1,
               {1, 51.0f / 255, 0});
  std::vector<std::vector<uint8_t>> rows(9, std::vector<uint8_t>(9 * 3));
  for (int y = 0; y < 9; ++y)
    for (int x = 0; x < 27; ++x) rows[y][x] = uint8_t(y * 27 + x);
  const Image woven = decode_image(make_png(9, 9, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, rows), "interlaced");
  for (int i = 0; i < 9 * 27; ++i) CHECK(to_byte(woven.pixels[i]) == i);
}

TEST_CASE("image file: JPEG, and content beats the name") {
  Scratch scratch;
  const Image image = ramp(41, 30);
  write_image(scratch / "a.JPG", image, 95);
  fs::rename(scratch / "a.JPG", scratch / "a.png");
  CHECK(image_format(scratch / "a.png") == std::string("JPEG"));
  const Image back = read_image(scratch / "a.png");
  REQUIRE(back.pixels.size() == image.pixels.size());
  for (size_t i = 0; i < image.pixels.size(); ++i) CHECK(std::abs(back.pixels[i] - image.pixels[i]) < 4 / 255.0f);
}

TEST_CASE("image file: JPEG of printing inks, plain and inverted as Adobe programs write it") {
  for (bool adobe : {false, true}) {
    jpeg_compress_struct codec{};
    jpeg_error_mgr errors;
    codec.err = jpeg_std_error(&errors);
    jpeg_create_compress(&codec);
    unsigned char* out = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&codec, &out, &size);
    codec.image_width = codec.image_height = 8;
    codec.input_components = 4;
    codec.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, 100, TRUE);
    codec.write_Adobe_marker = adobe;
    jpeg_start_compress(&codec, TRUE);
    std::vector<uint8_t> row;
    for (int x = 0; x < 8; ++x)  // no cyan, full magenta, half yellow, no black
      for (int ink : {0, 255, 128, 0}) row.push_back(uint8_t(adobe ? 255 - ink : ink));
    for (int y = 0; y < 8; ++y) {
      JSAMPROW rows = row.data();
      jpeg_write_scanlines(&codec, &rows, 1);
    }
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    const ByteImage rgb = decode_jpeg({out, size});
    std::free(out);
    REQUIRE(rgb.c == 3);
    CHECK(rgb.pixels[0] >= 253);
    CHECK(rgb.pixels[1] <= 2);
    CHECK(std::abs(rgb.pixels[2] - 127) <= 2);
  }
}

TEST_CASE("image file: BMP, PGM, PPM and TGA") {
  check_pixels(decode_image(as_bytes("P6\n2 1\n255\n" + std::string("\xff\x33\0\0\0\xff", 6)), "ppm"), 1, 2,
               {1, 51.0f / 255, 0, 0, 0, 1});
  check_pixels(decode_image(as_bytes("P5 1 1 255\n\x33"), "pgm"), 1, 1, {51.0f / 255, 51.0f / 255, 51.0f / 255});
  // A comment, 16 bits with the upper byte first, a largest value that is none of the usual ones.
  check_pixels(decode_image(as_bytes(std::string("P5 # two\n2 1 65535\n\xff\xff\x33\x33", 24)), "pgm"), 1, 2,
               {1, 1, 1, 51.0f / 255, 51.0f / 255, 51.0f / 255});
  check_pixels(decode_image(as_bytes(std::string("P6 1 1 100\n\x64\x32\0", 14)), "ppm"), 1, 1, {1, 32768 / 65535.0f, 0});
  for (const char* bad : {"P5 99999999999 1 255\nx", "P5 1 1 65536\nxx", "P5 1 1 0\nx", "P5 1 1", "P5 -1 1 255\nx"})
    CHECK_THROWS_WITH_AS(decode_image(as_bytes(bad), "pgm"), doctest::Contains("expected an image"), Error);
  std::string bmp("BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0", 30);
  bmp += std::string(24, '\0') + std::string("\0\x33\xff\0", 4);  // one BGR pixel, one byte of padding
  check_pixels(decode_image(as_bytes(bmp), "bmp"), 1, 1, {1, 51.0f / 255, 0});
  std::string tga("\0\0\2\0\0\0\0\0\0\0\0\0\1\0\1\0\x18\x20", 18);
  check_pixels(decode_image(as_bytes(tga + std::string("\0\x33\xff", 3)), "tga"), 1, 1, {1, 51.0f / 255, 0});
  CHECK_THROWS_WITH_AS(decode_image(as_bytes("P6\n2 1\n255\n\xff\x33"), "ppm"), doctest::Contains("cut short"), Error);
  CHECK_THROWS_WITH_AS(decode_image(as_bytes(bmp.substr(0, 55)), "bmp"), doctest::Contains("cut short"), Error);
  CHECK_THROWS_WITH_AS(decode_image(as_bytes(tga + "x"), "tga"), doctest::Contains("cut short"), Error);
  const std::string hollow("\0\0\3\0\0\0\0\0\0\0\0\0\x1d\x71\1\x42\x08\0", 18);  // 28957x16897 pixels, no data
  CHECK_THROWS_AS(decode_image(as_bytes(hollow), "tga"), Error);
  const std::string long_run("\0\0\x0a\0\0\0\0\0\0\0\0\0\x80\0\1\0\x18\x20\xff\0\x33\xff", 22);  // 128 equal pixels
  CHECK(decode_image(as_bytes(long_run), "tga").pixels.size() == 3 * 128);
}

TEST_CASE("image file: what is not an image is named for what it is") {
  Scratch scratch;
  const auto put = [&](const std::string& content) {
    write_file(scratch / "photo.png", content.data(), content.size());
    return scratch / "photo.png";
  };
  CHECK_THROWS_WITH_AS(read_image(put("dear diary\n")), doctest::Contains("found text"), Error);
  CHECK_THROWS_WITH_AS(read_image(put("")), doctest::Contains("empty file"), Error);
  CHECK_THROWS_WITH_AS(read_image(put("GIF89a....")), doctest::Contains("found GIF"), Error);
  CHECK_THROWS_WITH_AS(read_image(put(std::string("RIFF\0\0\0\0WEBPVP8 ", 16))),
                       doctest::Contains(has_webp() ? "expected a WebP image" : "found WebP"), Error);
  CHECK_THROWS_WITH_AS(read_image(put(std::string("\0\1\2\3", 4))), doctest::Contains("photo.png"), Error);
  CHECK_THROWS_WITH_AS(read_image(scratch.path()), doctest::Contains("found a folder"), Error);
  CHECK_THROWS_WITH_AS(read_image(scratch / "none.png"), doctest::Contains("No such file"), Error);
  CHECK(image_format(scratch / "none.png") == nullptr);
  CHECK(image_format(scratch.path()) == nullptr);
}

TEST_CASE("image file: a cut PNG or JPEG is refused at every length") {
  const ByteImage image = noise(20, 17);
  for (const auto& whole : {encode_png(image), encode_jpeg(image, 80)}) {
    for (size_t n = 0; n < whole.size(); n += n + 9 < whole.size() ? 9 : 1) {
      INFO("kept " << n << " of " << whole.size() << " bytes");
      const std::vector<uint8_t> cut(whole.begin(), whole.begin() + n);  // a heap block of that size, for sanitizers
      CHECK_THROWS_AS(decode_image(cut, "cut"), Error);
    }
    CHECK_NOTHROW(decode_image(whole, "whole"));
  }
  const auto png = encode_png(image);
  CHECK_THROWS_WITH_AS(decode_image(Bytes(png).first(png.size() / 2), "half.png"),
                       doctest::Contains("half.png: the PNG image is cut short"), Error);
}

TEST_CASE("image file: flipped bits never crash") {
  const ByteImage image = noise(16, 16);
  Philox random(2, "flips");
  for (const auto& whole : {encode_png(image), encode_jpeg(image, 80)})
    for (int trial = 0; trial < 300; ++trial) {
      auto bad = whole;
      // From byte 33 on: the header's size would only ask for large pictures.
      for (int k = 0; k < 3; ++k) bad[33 + random.below(uint32_t(bad.size() - 33))] ^= uint8_t(1u << random.below(8));
      try {
        decode_image(bad, "flipped");
      } catch (const Error&) {
      }
    }
}

TEST_CASE("image file: a promise of too many pixels is refused before memory is asked for") {
  const auto png = make_png(1, 1, 8, PNG_COLOR_TYPE_RGB, 0, {{1, 2, 3}});
  const auto claim = [&](uint32_t w, uint32_t h) {  // rewrites the header chunk and its checksum
    auto bad = png;
    for (int i = 0; i < 4; ++i) {
      bad[16 + i] = uint8_t(w >> (24 - 8 * i));
      bad[20 + i] = uint8_t(h >> (24 - 8 * i));
    }
    uint32_t crc = 0xffffffffu;
    for (int i = 12; i < 29; ++i) {
      crc ^= bad[i];
      for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
    }
    for (int i = 0; i < 4; ++i) bad[29 + i] = uint8_t(~crc >> (24 - 8 * i));
    return bad;
  };
  CHECK_NOTHROW(decode_image(claim(1, 1), "same"));
  CHECK_THROWS_WITH_AS(decode_image(claim(20000, 20000), "bomb"), doctest::Contains("at most 200 million"), Error);
  CHECK_THROWS_WITH_AS(decode_image(claim(10000, 10000), "bomb"), doctest::Contains("cannot come from"), Error);
  CHECK_THROWS_WITH_AS(decode_image(as_bytes("P5 20000 20000 255\n"), "bomb"), doctest::Contains("at most 200 million"), Error);
}

TEST_CASE("image file: a picture that cannot be written is named, and nothing is left") {
  Scratch scratch;
  const Image image(2, 2);
  CHECK_THROWS_WITH_AS(write_image(scratch / "no" / "a.png", image), doctest::Contains("no/a.png"), Error);
  CHECK_THROWS_WITH_AS(write_image(scratch / "a.gif", image), doctest::Contains("expected a name ending in .png"), Error);
  CHECK_THROWS_WITH_AS(write_image(scratch / "a.jpg", image, 0), doctest::Contains("quality"), Error);
  CHECK_THROWS_WITH_AS(write_image(scratch / "a.png", Image()), doctest::Contains("empty"), Error);
  CHECK(scratch.entries() == 0);
}

TEST_CASE("bytes: half to even, clamped, NaN is black") {
  CHECK(to_byte(0.5f / 255) == 0);
  CHECK(to_byte(1.5f / 255) == 2);
  CHECK(to_byte(-1.0f) == 0);
  CHECK(to_byte(2.0f) == 255);
  CHECK(to_byte(NAN) == 0);
  for (int k = 0; k < 256; ++k) CHECK(to_byte(float(k) / 255.0f) == k);
}
