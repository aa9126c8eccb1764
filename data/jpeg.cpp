#include "data/jpeg.h"

#include <csetjmp>
#include <cstdio>
#include <new>
#include <utility>

#include <jpeglib.h>
#include <jerror.h>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

// libjpeg reports errors by a call that must not return. The functions below that call setjmp hold no object with a
// destructor, so that the jump back skips none; memory lives in the structs of their callers.
struct ErrorManager {
  jpeg_error_mgr base;
  jmp_buf back;
  char message[JMSG_LENGTH_MAX] = "";
};

ErrorManager& manager(j_common_ptr codec) { return *reinterpret_cast<ErrorManager*>(codec->err); }

void on_error(j_common_ptr codec) {
  codec->err->format_message(codec, manager(codec).message);
  longjmp(manager(codec).back, 1);
}

// Warnings that mean missing or broken picture data. Others (stray bytes between markers) are harmless and common.
bool means_damage(int code) {
  return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE;
}

void on_message(j_common_ptr codec, int level) {
  if (level < 0 && means_damage(codec->err->msg_code)) on_error(codec);
}

jpeg_error_mgr* install(ErrorManager& errors) {
  jpeg_error_mgr* base = jpeg_std_error(&errors.base);
  base->error_exit = on_error;
  base->emit_message = on_message;
  base->output_message = [](j_common_ptr) {};
  return base;
}

struct Decoder {
  jpeg_decompress_struct codec{};
  ErrorManager errors;
  Decoder() { codec.err = install(errors); }
  ~Decoder() { jpeg_destroy_decompress(&codec); }
};

bool read_header(Decoder& d, Bytes file) {
  if (setjmp(d.errors.back)) return false;
  jpeg_create_decompress(&d.codec);
  jpeg_mem_src(&d.codec, file.data(), file.size());
  jpeg_read_header(&d.codec, TRUE);
  const bool inks = d.codec.jpeg_color_space == JCS_CMYK || d.codec.jpeg_color_space == JCS_YCCK;
  d.codec.out_color_space = inks ? JCS_CMYK : JCS_RGB;
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
  ErrorManager errors;
  Destination destination;
  Encoder() { codec.err = install(errors); }
  ~Encoder() { jpeg_destroy_compress(&codec); }
};

bool write_rows(Encoder& e, const ByteImage& image, int quality) {
  if (setjmp(e.errors.back)) return false;
  jpeg_create_compress(&e.codec);
  e.codec.dest = &e.destination.base;
  e.codec.image_width = image.w;
  e.codec.image_height = image.h;
  e.codec.input_components = image.c;
  e.codec.in_color_space = image.c == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&e.codec);
  jpeg_set_quality(&e.codec, quality, TRUE);
  jpeg_start_compress(&e.codec, TRUE);
  const size_t stride = size_t(image.w) * image.c;
  while (e.codec.next_scanline < e.codec.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(image.pixels.data() + e.codec.next_scanline * stride);
    jpeg_write_scanlines(&e.codec, &row, 1);
  }
  jpeg_finish_compress(&e.codec);
  return true;
}

}  // namespace

ByteImage decode_jpeg(Bytes file, const std::string& name) {
  KIN_CHECK(!file.empty(), name, ": expected a JPEG image, found no data");
  Decoder decoder;
  KIN_CHECK(read_header(decoder, file), name, ": expected a JPEG image, found damaged data (", decoder.errors.message, ")");
  check_image_size(decoder.codec.image_width, decoder.codec.image_height, name);
  const bool inks = decoder.codec.out_color_space == JCS_CMYK;
  ByteImage out{int(decoder.codec.image_height), int(decoder.codec.image_width), inks ? 4 : 3, {}};
  out.pixels.resize(size_t(out.h) * out.w * out.c);
  KIN_CHECK(read_rows(decoder, out.pixels.data()), name, ": the JPEG image is cut short or damaged (",
            decoder.errors.message, ")");
  return inks ? from_inks(out, decoder.codec.saw_Adobe_marker) : out;
}

std::vector<uint8_t> encode_jpeg(const ByteImage& image, int quality) {
  KIN_CHECK(image.c == 1 || image.c == 3, "encode_jpeg: image must have 1 or 3 channels, got ", image.c);
  KIN_CHECK(image.h > 0 && image.w > 0, "encode_jpeg: image must not be empty, got ", image.h, "x", image.w);
  KIN_CHECK(quality >= 1 && quality <= 100, "encode_jpeg: quality must be 1 to 100, got ", quality);
  Encoder encoder;
  KIN_CHECK(write_rows(encoder, image, quality), "encode_jpeg: ", image.h, "x", image.w, " picture: ",
            encoder.errors.message);
  return std::move(encoder.destination.bytes);
}

}  // namespace kintsugi
