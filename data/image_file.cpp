#include "data/image_file.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "kernels/base/error.h"

namespace kintsugi {
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxPixels = 200'000'000;
constexpr size_t kHeadBytes = 4096;

bool starts_with(Bytes head, std::string_view magic, size_t at = 0) {
  return head.size() >= at + magic.size() && std::memcmp(head.data() + at, magic.data(), magic.size()) == 0;
}

bool is_webp(Bytes head) { return starts_with(head, "RIFF") && starts_with(head, "WEBP", 8); }

std::string reason(int error) { return error ? std::strerror(error) : "read error"; }

Image as_rgb(const Samples& samples) {
  Image image = to_floats(samples);
  if (image.c == 3) return image;
  Image out(image.h, image.w);
  for (size_t i = 0; i < image.pixels.size(); ++i) std::fill_n(out.pixels.begin() + std::ptrdiff_t(3 * i), 3, image.pixels[i]);
  return out;
}

}  // namespace

std::vector<uint8_t> read_bytes(const fs::path& path, size_t at_most) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  KIN_CHECK(fs::exists(status), "cannot read ", path, ": ", error ? error.message() : "No such file or directory");
  KIN_CHECK(!fs::is_directory(status), "cannot read ", path, ": expected an image file, found a folder");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  KIN_CHECK(in, "cannot read ", path, ": ", reason(errno));
  std::vector<uint8_t> bytes;
  const auto size = fs::is_regular_file(status) ? fs::file_size(path, error) : 0;
  bytes.reserve(std::min<size_t>(error ? 0 : size, at_most));
  char block[1 << 16];
  while (in && bytes.size() < at_most) {
    in.read(block, std::streamsize(std::min(sizeof block, at_most - bytes.size())));
    bytes.insert(bytes.end(), block, block + in.gcount());
  }
  KIN_CHECK(!in.bad(), "cannot read ", path, ": ", reason(errno));
  return bytes;
}

std::string describe_content(Bytes head) {
  if (head.empty()) return "an empty file";
  if (is_webp(head)) return "WebP, which this build cannot read (built without libwebp)";
  if (starts_with(head, "GIF8")) return "GIF";
  if (starts_with(head, "ftyp", 4)) return "HEIC, AVIF or a video";
  if (starts_with(head, std::string_view("II*\0", 4)) || starts_with(head, std::string_view("MM\0*", 4))) return "TIFF";
  if (starts_with(head, "PK\x03\x04")) return "a ZIP archive";
  if (starts_with(head, "%PDF")) return "PDF";
  const Bytes first = head.first(std::min<size_t>(head.size(), 512));
  const bool is_text = std::all_of(first.begin(), first.end(), [](uint8_t b) { return b >= 32 || std::isspace(b); });
  return is_text ? "text" : "other data";
}

std::string formats_read() { return text("PNG, JPEG, ", has_webp() ? "WebP, " : "", "BMP, TGA or PNM"); }

void check_image_size(uint64_t width, uint64_t height, const std::string& name) {
  KIN_CHECK(width > 0 && height > 0, name, ": the image is empty (", width, "x", height, " pixels)");
  KIN_CHECK(width <= kMaxPixels && height <= kMaxPixels && width * height <= kMaxPixels, name, ": the image claims ", width,
            "x", height, " pixels, expected at most ", kMaxPixels / 1'000'000, " million");
}

std::optional<PhotoFormat> photo_format(Bytes head) {
  if (starts_with(head, "\x89PNG\r\n\x1a\n")) return PhotoFormat::png;
  if (starts_with(head, "\xff\xd8\xff")) return PhotoFormat::jpeg;
  if (has_webp() && is_webp(head)) return PhotoFormat::webp;
  if (is_pnm(head)) return PhotoFormat::pnm;
  const char* simple = simple_format(head);
  if (!simple) return std::nullopt;
  return *simple == 'B' ? PhotoFormat::bmp : PhotoFormat::tga;
}

std::optional<PhotoFormat> photo_format(const fs::path& path) {
  try {
    return photo_format(read_bytes(path, kHeadBytes));
  } catch (const Error&) {
    return std::nullopt;
  }
}

const char* image_format(const fs::path& path) {
  const auto format = photo_format(path);
  return format ? name_of(*format) : nullptr;
}

bool called_picture(const fs::path& path) {
  constexpr std::string_view endings[] = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tga", ".tif", ".tiff", ".gif", ".heic", ".ppm", ".pgm"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return std::find(std::begin(endings), std::end(endings), ending) != std::end(endings);
}

Image decode_image(Bytes file, const std::string& name) { return as_rgb(decode_photo(file, name).colour); }
Image read_image(const fs::path& path) { return as_rgb(read_photo(path).colour); }

void write_image(const fs::path& path, const Image& image, int quality) {
  format_of_name(path);
  KIN_CHECK(image.pixels.size() == size_t(image.h) * image.w * image.c, "cannot write ", path, ": the picture says ",
            image.h, "x", image.w, "x", image.c, " but holds ", image.pixels.size(), " values");
  Photo photo;
  photo.colour = quantised(image, 8);
  write_photo(path, photo, {.quality = quality, .note = {}, .software = {}});
}

}  // namespace kintsugi
