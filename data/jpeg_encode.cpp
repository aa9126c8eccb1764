#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "data/codec.h"
#include "data/jpeg.h"
#include "data/jpeg_session.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

/// Lets libjpeg write into a vector, doubling it when full. (Its own growing buffer dangles after an error.)
struct Destination {
  jpeg_destination_mgr base{};
  std::vector<uint8_t> bytes;

  Destination() {
    base.init_destination = [](j_compress_ptr codec) { grow(codec, 1 << 14); };
    base.empty_output_buffer = [](j_compress_ptr codec) -> boolean {
      grow(codec, of(codec).bytes.size());
      return TRUE;
    };
    base.term_destination = [](j_compress_ptr codec) {
      Destination& d = of(codec);
      d.bytes.resize(d.bytes.size() - d.base.free_in_buffer);
    };
  }
  static Destination& of(j_compress_ptr codec) { return *reinterpret_cast<Destination*>(codec->dest); }
  static void grow(j_compress_ptr codec, size_t more) {
    Destination& d = of(codec);
    const size_t used = d.bytes.size();
    if (!d.resize(used + more)) ERREXIT1(codec, JERR_OUT_OF_MEMORY, 0);
    d.base.next_output_byte = d.bytes.data() + used;
    d.base.free_in_buffer = more;
  }
  /// No exception may pass through libjpeg's frames.
  bool resize(size_t n) noexcept {
    try {
      bytes.resize(n);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
};

struct Encoder {
  jpeg_compress_struct codec{};
  JpegErrors errors;
  Destination destination;
  Encoder() { codec.err = errors.install(); }
  ~Encoder() { jpeg_destroy_compress(&codec); }
};

struct Markers {
  std::string exif, xmp, comment;
  Bytes icc;
};

struct Picture {
  int h, w, c;
  const uint8_t* pixels;
};

void set_tags(jpeg_compress_struct& codec, const PhotoTags& tags) {
  if (codec.jpeg_color_space == JCS_YCbCr) {
    codec.comp_info[0].h_samp_factor = tags.chroma_h;
    codec.comp_info[0].v_samp_factor = tags.chroma_v;
  }
  const Density& d = tags.density;
  if (!(d.x > 0 && d.y > 0)) return;
  const double scale = d.unit == Density::per_metre ? 0.0254 : 1;
  const auto rounded = [scale](double v) { return UINT16(std::clamp(std::lrint(std::min(v * scale, 65535.0)), 1l, 65535l)); };
  codec.density_unit = d.unit == Density::aspect_only ? 0 : d.unit == Density::per_cm ? 2 : 1;
  codec.X_density = rounded(d.x);
  codec.Y_density = rounded(d.y);
}

void write_marker(jpeg_compress_struct& codec, int kind, const std::string& content) {
  if (!content.empty()) jpeg_write_marker(&codec, kind, reinterpret_cast<const JOCTET*>(content.data()), unsigned(content.size()));
}

bool write_picture(Encoder& e, const Picture& picture, int quality, const PhotoTags* tags, const Markers* markers) {
  if (setjmp(e.errors.back)) return false;
  jpeg_create_compress(&e.codec);
  e.codec.dest = &e.destination.base;
  e.codec.image_width = JDIMENSION(picture.w);
  e.codec.image_height = JDIMENSION(picture.h);
  e.codec.input_components = picture.c;
  e.codec.in_color_space = picture.c == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&e.codec);
  jpeg_set_quality(&e.codec, quality, TRUE);
  if (tags) set_tags(e.codec, *tags);
  jpeg_start_compress(&e.codec, TRUE);
  if (markers) {
    write_marker(e.codec, JPEG_APP0 + 1, markers->exif);
    write_marker(e.codec, JPEG_APP0 + 1, markers->xmp);
    if (!markers->icc.empty()) jpeg_write_icc_profile(&e.codec, markers->icc.data(), unsigned(markers->icc.size()));
    write_marker(e.codec, JPEG_COM, markers->comment);
  }
  const size_t stride = size_t(picture.w) * picture.c;
  while (e.codec.next_scanline < e.codec.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(picture.pixels + e.codec.next_scanline * stride);
    jpeg_write_scanlines(&e.codec, &row, 1);
  }
  jpeg_finish_compress(&e.codec);
  return true;
}

std::vector<uint8_t> encode(const Picture& p, int quality, const PhotoTags* tags, const Markers* markers) {
  KIN_CHECK(p.c == 1 || p.c == 3, "encode_jpeg: image must have 1 or 3 channels, got ", p.c);
  KIN_CHECK(p.h > 0 && p.w > 0, "encode_jpeg: image must not be empty, got ", p.h, "x", p.w);
  KIN_CHECK(quality >= 1 && quality <= 100, "encode_jpeg: quality must be 1 to 100, got ", quality);
  Encoder encoder;
  KIN_CHECK(write_picture(encoder, p, quality, tags, markers), "encode_jpeg: ", p.h, "x", p.w, " picture: ", encoder.errors.message);
  return std::move(encoder.destination.bytes);
}

/// What fits into one marker segment; else nothing, and `lost` says so.
std::string segment(std::string_view head, std::string_view content, const char* what, std::vector<std::string>* lost) {
  if (content.empty()) return {};
  if (head.size() + content.size() <= kMostMarkerBytes) return std::string(head).append(content);
  if (lost) lost->push_back(text(what, " of ", content.size(), " bytes does not fit into a JPEG and was left out"));
  return {};
}

}  // namespace

std::vector<uint8_t> encode_jpeg(const ByteImage& image, int quality) {
  return encode({image.h, image.w, image.c, image.pixels.data()}, quality, nullptr, nullptr);
}

std::vector<uint8_t> encode_jpeg_photo(const Photo& photo, const PhotoWriteOptions& options, std::vector<std::string>* lost) {
  const PhotoTags& tags = photo.tags;
  Markers markers;
  markers.exif = segment(kExifHead, {reinterpret_cast<const char*>(tags.exif.data()), tags.exif.size()}, "EXIF", lost);
  markers.xmp = segment(kXmpHead, tags.xmp, "XMP", lost);
  markers.comment = segment({}, options.note, "the note", lost);
  constexpr size_t kMostProfileBytes = 255 * 65519;  // ICC.1:2010 annex B.4: at most 255 markers
  if (tags.icc.size() <= kMostProfileBytes) markers.icc = tags.icc;
  else if (lost) lost->push_back(text("the colour profile of ", tags.icc.size(), " bytes does not fit into a JPEG and was left out"));
  Samples narrow;
  if (photo.colour.depth != 8) narrow = reduced_to_bytes(photo.colour);
  const Samples& colour = narrow.empty() ? photo.colour : narrow;
  return encode({colour.h, colour.w, colour.c, colour.bytes.data()}, options.quality, &tags, &markers);
}

}  // namespace kintsugi
