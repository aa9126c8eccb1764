#include <png.h>

#include <bit>
#include <cstring>
#include <new>

#include "data/codec.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

// libpng reports errors by a call that must not return. The functions below that call setjmp hold no object with a
// destructor, so that the jump back skips none; memory lives in the structs of their callers.
struct Codec {
  png_structp png = nullptr;
  png_infop info = nullptr;
  char message[160] = "out of memory";
  bool reading;

  explicit Codec(bool read) : reading(read) {
    png = read ? png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning)
               : png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
  }
  ~Codec() {
    if (reading) png_destroy_read_struct(&png, &info, nullptr);
    else png_destroy_write_struct(&png, &info);
  }
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  bool ready() const { return png && info; }

  static void on_error(png_structp png, png_const_charp what) {
    char* message = static_cast<Codec*>(png_get_error_ptr(png))->message;
    std::strncpy(message, what, sizeof(Codec::message) - 1);
    message[sizeof(Codec::message) - 1] = 0;
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}
};

struct Source {
  Bytes left;
};

void read_some(png_structp png, png_bytep out, size_t n) {
  Bytes& left = static_cast<Source*>(png_get_io_ptr(png))->left;
  if (left.size() < n) png_error(png, "the data end too early");
  std::memcpy(out, left.data(), n);
  left = left.subspan(n);
}

struct Header {
  uint32_t width, height;
  size_t stored_row_bytes;  // before any conversion
};

bool read_header(Codec& c, Source& source, Header& header) {
  if (setjmp(png_jmpbuf(c.png))) return false;
  png_set_read_fn(c.png, &source, read_some);
  png_read_info(c.png, c.info);
  header = {png_get_image_width(c.png, c.info), png_get_image_height(c.png, c.info), png_get_rowbytes(c.png, c.info)};
  return true;
}

/// Asks for RGB of 8 or 16 bits without alpha, whatever is stored. Fills the row's size after conversion.
bool set_conversions(Codec& c, size_t& row_bytes, bool& wide) {
  if (setjmp(png_jmpbuf(c.png))) return false;
  const int colour = png_get_color_type(c.png, c.info), depth = png_get_bit_depth(c.png, c.info);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(c.png);
  if (colour == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(c.png);
  if (!(colour & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(c.png);
  png_set_strip_alpha(c.png);
  if (depth == 16 && std::endian::native == std::endian::little) png_set_swap(c.png);
  png_set_interlace_handling(c.png);
  png_read_update_info(c.png, c.info);
  row_bytes = png_get_rowbytes(c.png, c.info);
  wide = depth == 16;
  return true;
}

bool read_rows(Codec& c, uint8_t** rows) {
  if (setjmp(png_jmpbuf(c.png))) return false;
  png_read_image(c.png, rows);
  png_read_end(c.png, nullptr);  // the end marker and the checksums before it: a cut file must not pass
  return true;
}

/// No exception may pass through libpng's frames.
bool append_bytes(std::vector<uint8_t>& bytes, const uint8_t* data, size_t n) noexcept {
  try {
    bytes.insert(bytes.end(), data, data + n);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool write_rows(Codec& c, std::vector<uint8_t>& out, const ByteImage& image) {
  if (setjmp(png_jmpbuf(c.png))) return false;
  const auto append = [](png_structp png, png_bytep data, size_t n) {
    auto& bytes = *static_cast<std::vector<uint8_t>*>(png_get_io_ptr(png));
    if (!append_bytes(bytes, data, n)) png_error(png, "out of memory");
  };
  png_set_write_fn(c.png, &out, append, [](png_structp) {});
  png_set_IHDR(c.png, c.info, image.w, image.h, 8, image.c == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(c.png, c.info);
  for (int y = 0; y < image.h; ++y) png_write_row(c.png, image.pixels.data() + size_t(y) * image.w * image.c);
  png_write_end(c.png, nullptr);
  return true;
}

Image to_floats(const std::vector<uint8_t>& raw, const Header& header, bool wide) {
  Image out(int(header.height), int(header.width));
  for (size_t i = 0; i < out.pixels.size(); ++i) {
    if (wide) {
      uint16_t v;
      std::memcpy(&v, raw.data() + 2 * i, 2);
      out.pixels[i] = float(v) / 65535.0f;
    } else {
      out.pixels[i] = float(raw[i]) / 255.0f;
    }
  }
  return out;
}

}  // namespace

Image decode_png(Bytes file, const std::string& name) {
  Codec codec(true);
  KIN_CHECK(codec.ready(), name, ": libpng cannot start (", codec.message, ")");
  Source source{file};
  Header header{};
  KIN_CHECK(read_header(codec, source, header), name, ": expected a PNG image, found damaged data (", codec.message, ")");
  check_image_size(header.width, header.height, name);
  // Deflate shrinks by at most 1032:1, so a header that promises more than that is refused before memory is asked for.
  KIN_CHECK(header.stored_row_bytes * header.height / 1032 <= file.size(), name, ": the PNG image is cut short: ",
            header.width, "x", header.height, " pixels cannot come from ", file.size(), " bytes");
  size_t row_bytes = 0;
  bool wide = false;
  KIN_CHECK(set_conversions(codec, row_bytes, wide), name, ": ", codec.message);
  KIN_CHECK(row_bytes == size_t(header.width) * (wide ? 6 : 3), name, ": unexpected PNG row of ", row_bytes, " bytes");
  std::vector<uint8_t> raw(row_bytes * header.height);
  std::vector<uint8_t*> rows(header.height);
  for (uint32_t y = 0; y < header.height; ++y) rows[y] = raw.data() + y * row_bytes;
  KIN_CHECK(read_rows(codec, rows.data()), name, ": the PNG image is cut short or damaged (", codec.message, ")");
  return to_floats(raw, header, wide);
}

std::vector<uint8_t> encode_png(const ByteImage& image) {
  KIN_CHECK(image.c == 1 || image.c == 3, "encode_png: image must have 1 or 3 channels, got ", image.c);
  KIN_CHECK(image.h > 0 && image.w > 0, "encode_png: image must not be empty, got ", image.h, "x", image.w);
  Codec codec(false);
  KIN_CHECK(codec.ready(), "encode_png: libpng cannot start (", codec.message, ")");
  std::vector<uint8_t> out;
  KIN_CHECK(write_rows(codec, out, image), "encode_png: ", image.h, "x", image.w, " picture: ", codec.message);
  return out;
}

}  // namespace kintsugi
