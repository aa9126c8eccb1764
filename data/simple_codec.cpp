// BMP and TGA by stb_image, compiled here once. PNG and JPEG are left out of it on purpose: photographs from
// strangers go through libpng and libjpeg-turbo, which are maintained against hostile files.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_BMP
#define STBI_ONLY_TGA
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#include <stb/stb_image.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "data/codec.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

// stb_image takes bytes past the end as zeros without a word. Reading through callbacks shows when it asks for more than
// there is: it fills its buffer of 128 bytes (where a short last part is normal) or asks for an exact count.
struct Reader {
  Bytes file;
  size_t position = 0;
  bool ran_out = false;
};
constexpr int kStbBuffer = sizeof(stbi__context::buffer_start);

int read(void* user, char* out, int asked) {
  Reader& r = *static_cast<Reader*>(user);
  const int got = int(std::min<size_t>(asked, r.file.size() - r.position));
  if (got == 0 || (got < asked && asked != kStbBuffer)) r.ran_out = true;
  std::memcpy(out, r.file.data() + r.position, got);
  r.position += got;
  return got;
}

void skip(void* user, int n) {
  Reader& r = *static_cast<Reader*>(user);
  const int64_t to = int64_t(r.position) + n;
  r.position = size_t(std::clamp<int64_t>(to, 0, int64_t(r.file.size())));
}

int at_end(void* user) {
  const Reader& r = *static_cast<Reader*>(user);
  return r.position >= r.file.size();
}

constexpr stbi_io_callbacks kCallbacks{read, skip, at_end};

bool head_is_bmp(Bytes head) { return head[0] == 'B'; }

}  // namespace

const char* simple_format(Bytes head) {
  int w = 0, h = 0, c = 0;
  if (head.empty() || !stbi_info_from_memory(head.data(), int(std::min<size_t>(head.size(), 1 << 20)), &w, &h, &c))
    return nullptr;
  return head_is_bmp(head) ? "BMP" : "TGA";
}

Photo decode_simple(Bytes file, const std::string& name) {
  const char* format = simple_format(file);
  KIN_CHECK(format, name, ": expected a BMP or TGA image, found other content");
  int w = 0, h = 0, c = 0;
  stbi_info_from_memory(file.data(), int(std::min<size_t>(file.size(), 1 << 20)), &w, &h, &c);
  check_image_size(uint64_t(w), uint64_t(h), name);

  // A run in a TGA packs 128 pixels into two bytes, and BMP at best 8 into one: a short file must not cost the time of a large one.
  constexpr uint64_t kMostPixelsPerByte = 64;
  KIN_CHECK(uint64_t(w) * uint64_t(h) <= kMostPixelsPerByte * file.size(), name, ": the ", format, " image is cut short: ", w, "x", h,
            " pixels need more than ", file.size(), " bytes");

  Reader reader{file};
  const int channels = c;
  const std::unique_ptr<stbi_uc, void (*)(void*)> raw(
      stbi_load_from_callbacks(&kCallbacks, &reader, &w, &h, &c, channels), stbi_image_free);
  KIN_CHECK(raw, name, ": the ", format, " image is damaged (", stbi_failure_reason(), ")");
  KIN_CHECK(!reader.ran_out, name, ": the ", format, " image is cut short: ", w, "x", h, " pixels need more than ",
            file.size(), " bytes");
  Samples all(h, w, channels, 8);
  std::memcpy(all.bytes.data(), raw.get(), all.bytes.size());
  Photo photo;
  photo.format = head_is_bmp(file) ? PhotoFormat::bmp : PhotoFormat::tga;
  photo.stored_as = channels <= 2 ? ColourType::grey : ColourType::rgb;
  if (channels % 2 == 0) photo.alpha = channels_of(all, channels - 1, 1);
  // Many programs leave the fourth byte unset and mean an opaque picture.
  if (std::all_of(photo.alpha.bytes.begin(), photo.alpha.bytes.end(), [](uint8_t a) { return a == 0; })) photo.alpha = {};
  photo.colour = channels % 2 ? std::move(all) : channels_of(all, 0, channels - 1);
  return photo;
}

}  // namespace kintsugi
