#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "data/codec.h"
#include "data/colour_profile.h"
#include "data/jpeg.h"
#include "data/jpeg_session.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

struct Decoder {
  jpeg_decompress_struct codec{};
  JpegErrors errors;
  Decoder() { codec.err = errors.install(); }
  ~Decoder() { jpeg_destroy_decompress(&codec); }
};

enum class Wanted { rgb, as_stored };  // a grey picture as three equal channels, or as one

bool read_header(Decoder& d, Bytes file, Wanted wanted) {
  if (setjmp(d.errors.back)) return false;
  jpeg_create_decompress(&d.codec);
  jpeg_mem_src(&d.codec, file.data(), file.size());
  if (wanted == Wanted::as_stored)
    for (const int app : {1, 2}) jpeg_save_markers(&d.codec, JPEG_APP0 + app, 0xffff);
  jpeg_read_header(&d.codec, TRUE);
  const J_COLOR_SPACE stored = d.codec.jpeg_color_space;
  const bool inks = stored == JCS_CMYK || stored == JCS_YCCK;
  const bool grey = stored == JCS_GRAYSCALE && wanted == Wanted::as_stored;
  d.codec.out_color_space = inks ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
  return true;
}

bool read_profile(Decoder& d, uint8_t** icc, unsigned* bytes) {
  if (setjmp(d.errors.back)) return false;
  jpeg_read_icc_profile(&d.codec, icc, bytes);
  return true;
}

bool read_rows(Decoder& d, uint8_t* rows) {
  if (setjmp(d.errors.back)) return false;
  jpeg_start_decompress(&d.codec);
  const size_t stride = size_t(d.codec.output_width) * d.codec.output_components;
  while (d.codec.output_scanline < d.codec.output_height) {
    JSAMPROW row = rows + d.codec.output_scanline * stride;
    jpeg_read_scanlines(&d.codec, &row, 1);
  }
  jpeg_finish_decompress(&d.codec);
  return true;
}

void open(Decoder& d, Bytes file, const std::string& name, Wanted wanted) {
  KIN_CHECK(!file.empty(), name, ": expected a JPEG image, found no data");
  KIN_CHECK(read_header(d, file, wanted), name, ": expected a JPEG image, found damaged data (", d.errors.message, ")");
  check_image_size(d.codec.image_width, d.codec.image_height, name);
}

ByteImage pixels_of(Decoder& d, const std::string& name) {
  const int channels = d.codec.out_color_space == JCS_CMYK ? 4 : d.codec.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  ByteImage out{int(d.codec.image_height), int(d.codec.image_width), channels, {}};
  out.pixels.resize(size_t(out.h) * out.w * out.c);
  KIN_CHECK(read_rows(d, out.pixels.data()), name, ": the JPEG image is cut short or damaged (", d.errors.message, ")");
  return out;
}

/// Naive ink model, R = (1 - C)(1 - K), as viewers without a colour profile use. Adobe programs store the inks inverted.
ByteImage from_inks(const ByteImage& cmyk, bool inverted) {
  ByteImage out{cmyk.h, cmyk.w, 3, std::vector<uint8_t>(size_t(cmyk.h) * cmyk.w * 3)};
  const uint8_t* in = cmyk.pixels.data();
  for (size_t i = 0; i < out.pixels.size() / 3; ++i, in += 4)
    for (int c = 0; c < 3; ++c) {
      const int light = inverted ? in[c] : 255 - in[c], key = inverted ? in[3] : 255 - in[3];
      out.pixels[i * 3 + c] = uint8_t((light * key + 127) / 255);
    }
  return out;
}

/// The marker's content after `head`, or nothing when it is of another kind.
Bytes after(std::string_view head, const jpeg_marker_struct& marker) {
  if (marker.marker != JPEG_APP0 + 1 || marker.data_length <= head.size() || std::memcmp(marker.data, head.data(), head.size())) return {};
  return Bytes(marker.data, marker.data_length).subspan(head.size());
}

PhotoTags tags_of(Decoder& d, const std::string& name) {
  PhotoTags tags;
  for (const jpeg_marker_struct* m = d.codec.marker_list; m; m = m->next) {
    if (const Bytes exif = after(kExifHead, *m); !exif.empty() && tags.exif.empty()) tags.exif.assign(exif.begin(), exif.end());
    if (const Bytes xmp = after(kXmpHead, *m); !xmp.empty() && tags.xmp.empty()) tags.xmp.assign(xmp.begin(), xmp.end());
  }
  uint8_t* icc = nullptr;
  unsigned bytes = 0;
  const bool read = read_profile(d, &icc, &bytes);
  const std::unique_ptr<uint8_t, void (*)(void*)> owner(icc, std::free);
  KIN_CHECK(read, name, ": ", d.errors.message);
  if (icc) tags.icc.assign(icc, icc + bytes);
  if (d.codec.saw_JFIF_marker)
    tags.density = {double(d.codec.X_density), double(d.codec.Y_density),
                    d.codec.density_unit == 1   ? Density::per_inch
                    : d.codec.density_unit == 2 ? Density::per_cm
                                                : Density::aspect_only};
  if (d.codec.num_components >= 3) {
    const jpeg_component_info* parts = d.codec.comp_info;
    tags.chroma_h = parts[0].h_samp_factor / parts[1].h_samp_factor == 1 ? 1 : 2;
    tags.chroma_v = parts[0].v_samp_factor / parts[1].v_samp_factor == 1 ? 1 : 2;
  }
  return tags;
}

}  // namespace

ByteImage decode_jpeg(Bytes file, const std::string& name) {
  Decoder decoder;
  open(decoder, file, name, Wanted::rgb);
  const ByteImage stored = pixels_of(decoder, name);
  return stored.c == 4 ? from_inks(stored, decoder.codec.saw_Adobe_marker) : stored;
}

Photo decode_jpeg_photo(Bytes file, const std::string& name) {
  Decoder decoder;
  open(decoder, file, name, Wanted::as_stored);
  Photo photo;
  photo.format = PhotoFormat::jpeg;
  photo.tags = tags_of(decoder, name);
  ByteImage stored = pixels_of(decoder, name);
  photo.stored_as = stored.c == 4 ? ColourType::cmyk : stored.c == 1 ? ColourType::grey : ColourType::rgb;
  if (stored.c != 4) {
    photo.colour = Samples(std::move(stored));
    return photo;
  }
  const bool inverted = decoder.codec.saw_Adobe_marker;
  auto converted = inks_to_srgb(stored, inverted, photo.tags.icc);
  photo.notes.push_back(converted ? "CMYK converted to sRGB by the embedded profile" : "CMYK converted to RGB without a profile");
  photo.colour = Samples(converted ? std::move(*converted) : from_inks(stored, inverted));
  photo.tags.icc.clear();  // it speaks of inks
  return photo;
}

}  // namespace kintsugi
