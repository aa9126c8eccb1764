#include "data/photo.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "data/codec.h"
#include "data/exif.h"
#include "kernels/base/error.h"
#include "tensor/atomic_file.h"

namespace kintsugi {
namespace fs = std::filesystem;

namespace {

constexpr int kLongestJpegSide = 65500, kLongestWebpSide = 16383;

Photo decode(PhotoFormat format, Bytes file, const std::string& name) {
  switch (format) {
    case PhotoFormat::png: return decode_png(file, name);
    case PhotoFormat::jpeg: return decode_jpeg_photo(file, name);
    case PhotoFormat::webp: return decode_webp(file, name);
    case PhotoFormat::pnm: return decode_pnm(file, name);
    case PhotoFormat::bmp:
    case PhotoFormat::tga: break;
  }
  return decode_simple(file, name);
}

/// Turns what was read the way up that EXIF says, once, and makes the tags say that it was done.
void make_upright(Photo& photo) {
  photo.orientation = exif_orientation(photo.tags.exif);
  if (photo.orientation == 1) return;
  photo.colour = upright(std::move(photo.colour), photo.orientation);
  photo.alpha = upright(std::move(photo.alpha), photo.orientation);
  set_exif_upright(photo.tags.exif);
  set_xmp_upright(photo.tags.xmp);
  if (photo.orientation < 5) return;
  std::swap(photo.tags.density.x, photo.tags.density.y);
  std::swap(photo.tags.chroma_h, photo.tags.chroma_v);
}

bool is_opaque(const Samples& alpha) {  // all bits set, whatever the depth
  return std::all_of(alpha.bytes.begin(), alpha.bytes.end(), [](uint8_t b) { return b == 255; });
}

}  // namespace

Photo decode_photo(Bytes file, const std::string& name) {
  const auto format = photo_format(file);
  KIN_CHECK(format, name, ": expected an image (", formats_read(), "), found ", describe_content(file));
  Photo photo = decode(*format, file, name);
  make_upright(photo);
  return photo;
}

Photo read_photo(const fs::path& path) { return decode_photo(read_bytes(path), path.string()); }

PhotoFormat format_of_name(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  if (ending == ".png") return PhotoFormat::png;
  if (ending == ".jpg" || ending == ".jpeg") return PhotoFormat::jpeg;
  if (ending == ".webp") return PhotoFormat::webp;
  fail("cannot write ", path, ": expected a name ending in .png, .jpg, .jpeg or .webp");
}

const char* name_of(PhotoFormat format) {
  constexpr const char* names[] = {"PNG", "JPEG", "WebP", "BMP", "TGA", "PNM"};
  return names[int(format)];
}

bool can_write(PhotoFormat format) {
  return format == PhotoFormat::png || format == PhotoFormat::jpeg || (format == PhotoFormat::webp && has_webp());
}

const char* ending_of(PhotoFormat format) {
  return format == PhotoFormat::jpeg ? ".jpg" : format == PhotoFormat::webp ? ".webp" : ".png";
}

void check_fits(const Photo& photo, PhotoFormat format) {
  KIN_CHECK(can_write(format), name_of(format), " cannot be written", format == PhotoFormat::webp ? " (built without libwebp)" : "",
            "; choose a name ending in .png or .jpg");
  KIN_CHECK(format != PhotoFormat::jpeg || is_opaque(photo.alpha),
            "a JPEG cannot hold the picture's transparency; choose a name ending in .png", has_webp() ? " or .webp" : "");
  const int most = format == PhotoFormat::jpeg ? kLongestJpegSide : format == PhotoFormat::webp ? kLongestWebpSide : INT32_MAX;
  KIN_CHECK(photo.colour.h <= most && photo.colour.w <= most, "a ", name_of(format), " has at most ", most, " pixels on a side, the picture is ",
            photo.colour.w, "x", photo.colour.h, "; choose a name ending in .png");
}

std::vector<uint8_t> encode_photo(const Photo& photo, PhotoFormat format, const PhotoWriteOptions& options, std::vector<std::string>& lost) {
  check_fits(photo, format);
  if (format == PhotoFormat::png) return encode_png(photo, options, &lost);
  if (photo.colour.depth == 16) lost.push_back(text("a ", name_of(format), " holds 8 bits per sample, so 16 became 8"));
  if (format == PhotoFormat::webp) return encode_webp(photo, options, &lost);
  if (!photo.alpha.empty()) lost.push_back("the alpha plane, opaque everywhere, has no place in a JPEG and was left out");
  return encode_jpeg_photo(photo, options, &lost);
}

std::vector<std::string> write_photo(const fs::path& path, const Photo& photo, const PhotoWriteOptions& options) {
  std::vector<std::string> lost;
  const auto bytes = encode_photo(photo, format_of_name(path), options, lost);
  write_file(path, bytes.data(), bytes.size());
  return lost;
}

}  // namespace kintsugi
