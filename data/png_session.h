// The state of one use of libpng, which reports errors by a call that must not return. Functions that call setjmp hold no object
// with a destructor, so that the jump back skips none; memory lives in the structs of their callers.
#pragma once
#include <png.h>

#include <bit>
#include <cstring>

namespace kintsugi {

inline constexpr const char* kXmpKeyword = "XML:com.adobe.xmp";  // of the iTXt chunk, XMP specification part 3

struct PngSession {
  png_structp png = nullptr;
  png_infop info = nullptr;
  char message[160] = "out of memory";
  bool reading;

  explicit PngSession(bool read) : reading(read) {
    png = read ? png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning)
               : png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
  }
  ~PngSession() {
    if (reading) png_destroy_read_struct(&png, &info, nullptr);
    else png_destroy_write_struct(&png, &info);
  }
  PngSession(const PngSession&) = delete;
  PngSession& operator=(const PngSession&) = delete;
  bool ready() const { return png && info; }

  static void on_error(png_structp png, png_const_charp what) {
    char* message = static_cast<PngSession*>(png_get_error_ptr(png))->message;
    std::strncpy(message, what, sizeof(PngSession::message) - 1);
    message[sizeof(PngSession::message) - 1] = 0;
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}
};

/// PNG stores 16 bits with the upper byte first.
inline void swap_wide_samples(png_structp png, int depth) {
  if (depth == 16 && std::endian::native == std::endian::little) png_set_swap(png);
}

}  // namespace kintsugi
