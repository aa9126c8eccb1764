// kintsugi restore keeps the photo contract (docs/photos.md): what came with a picture comes out with it.
#include <cmath>
#include <cstring>
#include <numeric>

#include "data/codec.h"
#include "data/colour_profile.h"
#include "tests/apps/restoring.h"
#include "tests/data/crafted_photos.h"

using namespace kintsugi;
using namespace kintsugi::testing;
namespace fs = std::filesystem;

namespace {

/// A coloured picture with structure in both bytes of wide samples.
Photo pattern(int h, int w, int channels, int depth) {
  Image image(h, w, channels);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = 0.1f + 0.8f * float(i * 40503 % 65521) / 65521;
  Photo photo;
  photo.colour = quantised(image, depth);
  return photo;
}

/// The one picture's entry in the report of a run that went well.
nlohmann::json restored(const fs::path& in, const fs::path& out, const std::string& more = {}) {
  const ProgramRun run = restore(in, out, more + " --json -q");
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  return nlohmann::json::parse(run.out).at(0);
}

bool mentions(const nlohmann::json& entry, const std::string& part) { return entry.at("notes").dump().find(part) != std::string::npos; }

}  // namespace

TEST_CASE("restore: a turned JPEG comes out upright, with its tags") {
  const Scratch folder;
  Photo photo = pattern(24, 16, 3, 8);
  photo.tags.exif = exif_block(6);
  photo.tags.icc = srgb_profile();
  photo.tags.xmp = "<a/>";
  photo.tags.density = {300, 300, Density::per_inch};
  write_photo(folder / "turned.jpeg", photo);
  const auto entry = restored(folder / "turned.jpeg", folder / "out");
  CHECK(entry.at("size") == nlohmann::json{24, 16});
  const Photo result = read_photo(folder / "out/turned.jpeg");
  CHECK(result.format == PhotoFormat::jpeg);
  CHECK(result.orientation == 1);
  CHECK(result.colour.h == 16);
  CHECK(result.colour.w == 24);
  CHECK(result.tags.exif == exif_block(1));
  CHECK(result.tags.icc == srgb_profile());
  CHECK(result.tags.xmp == "<a/>");
  CHECK(result.tags.density.x == 300);
}

TEST_CASE("restore: 16-bit grey with alpha stays 16-bit grey with that alpha") {
  const Scratch folder;
  Photo photo = pattern(20, 12, 1, 16);
  photo.alpha = pattern(20, 12, 1, 16).colour;
  write_photo(folder / "deep.png", photo);
  restored(folder / "deep.png", folder / "out");
  const std::string file = content(folder / "out/deep.png");
  CHECK(int(file[24]) == 16);
  CHECK(int(file[25]) == 4);  // grey with alpha
  const Photo result = read_photo(folder / "out/deep.png");
  CHECK(result.alpha.bytes == photo.alpha.bytes);
  CHECK(result.colour.bytes != photo.colour.bytes);
  int finer = 0;  // than 8 bits
  for (size_t i = 0; i < result.colour.bytes.size(); i += 2) finer += result.colour.bytes[i] != result.colour.bytes[i + 1];
  CHECK(finer > 100);
  check_refused(restore(folder / "deep.png", folder / "no.jpg"), 1, {"deep.png", "JPEG cannot hold the picture's transparency"});
  CHECK(!fs::exists(folder / "no.jpg"));
}

TEST_CASE("restore: a grey face of 16 bits is rounded once, to 16 bits") {
  const Scratch folder;
  const Photo photo = pattern(TinyNet::kSize, TinyNet::kSize, 1, 16);
  write_photo(folder / "deep.png", photo);
  restored(folder / "deep.png", folder / "out");
  const Image stored = to_floats(photo.colour), result = to_floats(read_photo(folder / "out/deep.png").colour);
  Image seen(stored.h, stored.w, 3);
  for (size_t i = 0; i < seen.pixels.size(); ++i) seen.pixels[i] = stored.pixels[i / 3];
  const NoGrad off;
  const TinyNet tiny;
  const Image made = to_image((*tiny.net)(to_tensor(seen), {.w = 0.5, .adain = true}).image.value());
  const size_t count = stored.pixels.size();
  std::vector<double> grey(count), like(stored.pixels.begin(), stored.pixels.end());
  for (size_t i = 0; i < count; ++i) grey[i] = 0.2989 * made.pixels[3 * i] + 0.5870 * made.pixels[3 * i + 1] + 0.1140 * made.pixels[3 * i + 2];
  const auto mean = [&](const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0) / double(count); };
  const auto spread = [&](const std::vector<double>& v) {
    double sum = 0;
    for (double x : v) sum += (x - mean(v)) * (x - mean(v));
    return std::sqrt(sum / double(count) + 1e-5 / (255.0 * 255.0));
  };
  const double scale = spread(like) / spread(grey);
  // One rounding at 16 bits, and those of f32 in the network's picture times the scale.
  for (size_t i = 0; i < count; ++i) {
    const double expected = std::clamp((grey[i] - mean(grey)) * scale + mean(like), 0.0, 1.0);
    CHECK(std::abs(double(result.pixels[i]) - expected) <= 0.5 / 65535 + 1e-6 * std::max(1.0, scale));
  }
}

TEST_CASE("restore: CMYK comes out as RGB, and the report says so") {
  const Scratch folder;
  Photo photo = pattern(16, 16, 3, 8);
  write_photo(folder / "rgb.jpg", photo);
  // A profile of another kind of colours on a plain JPEG: carried, not applied, named.
  const std::string plain = content(folder / "rgb.jpg");
  const auto odd = with_marker(ByteVector(plain.begin(), plain.end()), 0xe2, std::string("ICC_PROFILE\0\1\1", 14) + as_text(ink_profile()));
  write_text(folder / "odd.jpg", as_text(odd));
  CHECK(mentions(restored(folder / "odd.jpg", folder / "out"), "'Inks' was kept but not applied"));
  CHECK(read_photo(folder / "out/odd.jpg").tags.icc == ink_profile());
  write_text(folder / "inks.jpg", as_text(cmyk_jpeg({0, 255, 128, 0}, true, 16)));
  CHECK(mentions(restored(folder / "inks.jpg", folder / "out"), "CMYK converted to RGB"));
  CHECK(read_photo(folder / "out/inks.jpg").stored_as == ColourType::rgb);
}

TEST_CASE("restore: pixels that inpainting leaves keep their bits, whatever the profile; the note can be left out") {
  const Scratch folder;
  Photo photo = pattern(16, 16, 3, 16);
  photo.tags.icc = display_p3();
  write_photo(folder / "p3.png", photo);
  Image mask(16, 16, 1);
  for (int i = 0; i < 16; ++i) *mask.at(5, i) = 1;
  write_image(folder / "mask.png", mask);
  const std::string inpaint = "--task inpaint --mask " + quoted(folder / "mask.png");
  const auto entry = restored(folder / "p3.png", folder / "out", inpaint);
  CHECK(mentions(entry, "not applied") == !has_colour_conversion());
  const Photo result = read_photo(folder / "out/p3.png");
  CHECK(result.tags.icc == display_p3());
  for (int y = 0; y < 16; ++y) {
    const size_t row = photo.colour.row_bytes();
    const bool same = !std::memcmp(result.colour.bytes.data() + size_t(y) * row, photo.colour.bytes.data() + size_t(y) * row, row);
    CHECK(same == (y != 5));
  }
  CHECK(count(content(folder / "out/p3.png"), "a plausible invention, not evidence") == 1);
  CHECK(count(content(folder / "out/p3.png"), "Kintsugi") == 2);
  restored(folder / "p3.png", folder / "bare", inpaint + " --no-note");
  CHECK(count(content(folder / "bare/p3.png"), "Kintsugi") == 0);
  CHECK(read_photo(folder / "bare/p3.png").colour.bytes == result.colour.bytes);
}

TEST_CASE("restore: WebP in, WebP out, where the build has libwebp") {
  const Scratch folder;
  const auto png = write_picture(folder / "face.png", 16, 16);
  if (!has_webp()) {
    check_refused(restore(png, folder / "x.webp"), 2, {"x.webp", ".webp cannot be written"});
    return;
  }
  restored(png, folder / "face.webp");
  Photo photo = pattern(16, 16, 3, 8);
  photo.tags.lossless = true;
  write_photo(folder / "in.webp", photo);
  restored(folder / "in.webp", folder / "out");
  const Photo result = read_photo(folder / "out/in.webp");
  CHECK(result.format == PhotoFormat::webp);
  CHECK(result.tags.lossless);
  CHECK(count(content(folder / "out/in.webp"), "not evidence") == 1);
}
