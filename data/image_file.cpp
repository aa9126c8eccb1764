#include "data/image_file.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "data/jpeg.h"
#include "kernels/base/error.h"
#include "tensor/atomic_file.h"

namespace kintsugi {
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxPixels = 200'000'000;
constexpr size_t kHeadBytes = 4096;

bool starts_with(Bytes head, std::string_view magic, size_t at = 0) {
  return head.size() >= at + magic.size() && std::memcmp(head.data() + at, magic.data(), magic.size()) == 0;
}

/// Names what people most often pass by mistake, so that the message says more than "not an image".
std::string describe(Bytes head) {
  if (head.empty()) return "an empty file";
  if (starts_with(head, "RIFF") && starts_with(head, "WEBP", 8)) return "WebP";
  if (starts_with(head, "GIF8")) return "GIF";
  if (starts_with(head, "ftyp", 4)) return "HEIC, AVIF or a video";
  if (starts_with(head, std::string_view("II*\0", 4)) || starts_with(head, std::string_view("MM\0*", 4))) return "TIFF";
  if (starts_with(head, "PK\x03\x04")) return "a ZIP archive";
  if (starts_with(head, "%PDF")) return "PDF";
  const Bytes first = head.first(std::min<size_t>(head.size(), 512));
  const bool is_text = std::all_of(first.begin(), first.end(), [](uint8_t b) { return b >= 32 || std::isspace(b); });
  return is_text ? "text" : "other data";
}

std::string reason(int error) { return error ? std::strerror(error) : "read error"; }

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

}  // namespace

void check_image_size(uint64_t width, uint64_t height, const std::string& name) {
  KIN_CHECK(width > 0 && height > 0, name, ": the image is empty (", width, "x", height, " pixels)");
  KIN_CHECK(width <= kMaxPixels && height <= kMaxPixels && width * height <= kMaxPixels, name, ": the image claims ", width,
            "x", height, " pixels, expected at most ", kMaxPixels / 1'000'000, " million");
}

const char* image_format(Bytes head) {
  if (starts_with(head, "\x89PNG\r\n\x1a\n")) return "PNG";
  if (starts_with(head, "\xff\xd8\xff")) return "JPEG";
  return is_pnm(head) ? "PNM" : simple_format(head);
}

const char* image_format(const fs::path& path) {
  try {
    return image_format(read_bytes(path, kHeadBytes));
  } catch (const Error&) {
    return nullptr;
  }
}

Image decode_image(Bytes file, const std::string& name) {
  const char* format = image_format(file);
  KIN_CHECK(format, name, ": expected an image (PNG, JPEG, BMP, TGA or PNM), found ", describe(file));
  if (std::string_view(format) == "PNG") return decode_png(file, name);
  if (std::string_view(format) == "JPEG") return from_bytes(decode_jpeg(file, name));
  return is_pnm(file) ? decode_pnm(file, name) : decode_simple(file, name);
}

Image read_image(const fs::path& path) { return decode_image(read_bytes(path, SIZE_MAX), path.string()); }

void write_image(const fs::path& path, const Image& image, int quality) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  const bool jpeg = ending == ".jpg" || ending == ".jpeg";
  KIN_CHECK(jpeg || ending == ".png", "cannot write ", path, ": expected a name ending in .png, .jpg or .jpeg");
  KIN_CHECK(image.pixels.size() == size_t(image.h) * image.w * image.c, "cannot write ", path, ": the picture says ",
            image.h, "x", image.w, "x", image.c, " but holds ", image.pixels.size(), " values");
  const std::vector<uint8_t> bytes = jpeg ? encode_jpeg(to_bytes(image), quality) : encode_png(to_bytes(image));
  write_file(path, bytes.data(), bytes.size());
}

}  // namespace kintsugi
