// How this program uses libjpeg, which reports errors by a call that must not return. Functions that call setjmp hold no object with
// a destructor, so that the jump back skips none; memory lives in the structs of their callers.
#pragma once
#include <csetjmp>
#include <cstdio>
#include <string_view>

#include <jpeglib.h>
#include <jerror.h>

namespace kintsugi {

// What begins the two kinds of APP1 marker that are carried (EXIF 2.3 section 4.7.2, XMP specification part 3).
inline constexpr std::string_view kExifHead{"Exif\0\0", 6};
inline constexpr std::string_view kXmpHead{"http://ns.adobe.com/xap/1.0/\0", 29};
inline constexpr size_t kMostMarkerBytes = 65533;

struct JpegErrors {
  jpeg_error_mgr base;
  jmp_buf back;
  char message[JMSG_LENGTH_MAX] = "";

  static JpegErrors& of(j_common_ptr codec) { return *reinterpret_cast<JpegErrors*>(codec->err); }
  static void on_error(j_common_ptr codec) {
    codec->err->format_message(codec, of(codec).message);
    longjmp(of(codec).back, 1);
  }
  // Warnings that mean missing or broken picture data. Others (stray bytes between markers) are harmless and common.
  static bool means_damage(int code) {
    return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE;
  }
  static void on_message(j_common_ptr codec, int level) {
    if (level < 0 && means_damage(codec->err->msg_code)) on_error(codec);
  }
  jpeg_error_mgr* install() {
    jpeg_error_mgr* manager = jpeg_std_error(&base);
    manager->error_exit = on_error;
    manager->emit_message = on_message;
    manager->output_message = [](j_common_ptr) {};
    return manager;
  }
};

}  // namespace kintsugi
