#include <algorithm>
#include <cmath>
#include <new>

#include "data/codec.h"
#include "data/png_session.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

/// No exception may pass through libpng's frames.
bool append_bytes(std::vector<uint8_t>& bytes, const uint8_t* data, size_t n) noexcept {
  try {
    bytes.insert(bytes.end(), data, data + n);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void append(png_structp png, png_bytep data, size_t n) {
  auto& bytes = *static_cast<std::vector<uint8_t>*>(png_get_io_ptr(png));
  if (!append_bytes(bytes, data, n)) png_error(png, "out of memory");
}

png_uint_32 per_metre(const Density& d, double v) {
  const double scale = d.unit == Density::per_inch ? 1 / 0.0254 : d.unit == Density::per_cm ? 100 : 1;
  return png_uint_32(std::lrint(std::min(v * scale, 2147483647.0)));
}

bool set_header(PngSession& s, std::vector<uint8_t>& out, const Photo& photo) {
  if (setjmp(png_jmpbuf(s.png))) return false;
  const Samples& colour = photo.colour;
  png_set_write_fn(s.png, &out, append, [](png_structp) {});
  png_set_IHDR(s.png, s.info, png_uint_32(colour.w), png_uint_32(colour.h), colour.depth,
               (colour.c == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB) | (photo.alpha.empty() ? 0 : PNG_COLOR_MASK_ALPHA),
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  return true;
}

/// libpng leaves a profile out that it takes for broken, with a warning: `icc_kept` says so.
bool set_tags(PngSession& s, const PhotoTags& tags, bool& icc_kept) {
  if (setjmp(png_jmpbuf(s.png))) return false;
  png_set_benign_errors(s.png, 1);
  const PngColour& words = tags.png_colour;
  if (words.gamma) png_set_gAMA_fixed(s.png, s.info, *words.gamma);
  if (words.chromaticities) {
    const int32_t* c = words.chromaticities->data();
    png_set_cHRM_fixed(s.png, s.info, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]);
  }
  if (words.srgb_intent) png_set_sRGB(s.png, s.info, *words.srgb_intent);
  if (!tags.icc.empty())
    png_set_iCCP(s.png, s.info, "profile", PNG_COMPRESSION_TYPE_BASE, tags.icc.data(), png_uint_32(tags.icc.size()));
  icc_kept = tags.icc.empty() || png_get_valid(s.png, s.info, PNG_INFO_iCCP);
  if (!tags.exif.empty()) png_set_eXIf_1(s.png, s.info, png_uint_32(tags.exif.size()), const_cast<png_bytep>(tags.exif.data()));
  const Density& d = tags.density;
  if (d.x > 0 && d.y > 0)
    png_set_pHYs(s.png, s.info, per_metre(d, d.x), per_metre(d, d.y), d.unit == Density::aspect_only ? PNG_RESOLUTION_UNKNOWN : PNG_RESOLUTION_METER);
  return true;
}

bool add_text(PngSession& s, const char* key, const std::string& text, int compression) {
  if (text.empty()) return true;
  if (setjmp(png_jmpbuf(s.png))) return false;
  png_text entry{};
  entry.compression = compression;
  entry.key = const_cast<char*>(key);
  entry.text = const_cast<char*>(text.c_str());
  png_set_text(s.png, s.info, &entry, 1);
  return true;
}

bool write_rows(PngSession& s, const Photo& photo, uint8_t* row) {
  if (setjmp(png_jmpbuf(s.png))) return false;
  png_write_info(s.png, s.info);
  swap_wide_samples(s.png, photo.colour.depth);
  const size_t colour_bytes = photo.colour.pixel_bytes(), alpha_bytes = photo.alpha.empty() ? 0 : photo.alpha.pixel_bytes();
  const uint8_t *colour = photo.colour.bytes.data(), *alpha = photo.alpha.bytes.data();
  for (int y = 0; y < photo.colour.h; ++y) {
    uint8_t* to = row;
    for (int x = 0; x < photo.colour.w; ++x, to += colour_bytes + alpha_bytes, colour += colour_bytes, alpha += alpha_bytes) {
      std::memcpy(to, colour, colour_bytes);
      if (alpha_bytes) std::memcpy(to + colour_bytes, alpha, alpha_bytes);
    }
    png_write_row(s.png, row);
  }
  png_write_end(s.png, s.info);
  return true;
}

}  // namespace

std::vector<uint8_t> encode_png(const Photo& photo, const PhotoWriteOptions& options, std::vector<std::string>* lost) {
  const Samples& colour = photo.colour;
  KIN_CHECK(colour.c == 1 || colour.c == 3, "encode_png: image must have 1 or 3 channels, got ", colour.c);
  KIN_CHECK(colour.h > 0 && colour.w > 0, "encode_png: image must not be empty, got ", colour.h, "x", colour.w);
  PngSession session(false);
  KIN_CHECK(session.ready(), "encode_png: libpng cannot start (", session.message, ")");
  std::vector<uint8_t> out, row(colour.row_bytes() + photo.alpha.row_bytes());
  bool icc_kept = true;
  const bool done = set_header(session, out, photo) && set_tags(session, photo.tags, icc_kept) &&
                    add_text(session, kXmpKeyword, photo.tags.xmp, PNG_ITXT_COMPRESSION_NONE) &&
                    add_text(session, "Software", options.software, PNG_TEXT_COMPRESSION_NONE) &&
                    add_text(session, "Comment", options.note, PNG_TEXT_COMPRESSION_NONE) && write_rows(session, photo, row.data());
  KIN_CHECK(done, "encode_png: ", colour.h, "x", colour.w, " picture: ", session.message);
  if (!icc_kept && lost) lost->push_back("the colour profile is not one that PNG takes for this picture and was left out");
  return out;
}

std::vector<uint8_t> encode_png(const ByteImage& image) {
  Photo photo;
  photo.colour = Samples(image);
  return encode_png(photo);
}

}  // namespace kintsugi
