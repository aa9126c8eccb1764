// Parts of photographs made by hand: EXIF blocks, colour profiles, JPEG markers.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <jpeglib.h>

#include "data/photo.h"

namespace kintsugi::testing {

using ByteVector = std::vector<uint8_t>;

class ByteWriter {
 public:
  explicit ByteWriter(bool big_endian) : big_endian_(big_endian) { bytes.reserve(4096); }  // one block: g++ 12 warns of growing ones in vain
  ByteWriter& number(uint64_t v, int width) {
    for (int i = 0; i < width; ++i) bytes.push_back(uint8_t(v >> 8 * (big_endian_ ? width - 1 - i : i)));
    return *this;
  }
  ByteWriter& zeros(size_t count) {
    bytes.resize(bytes.size() + count);
    return *this;
  }
  ByteWriter& letters(const std::string& s) {
    for (const char c : s) bytes.push_back(uint8_t(c));
    return *this;
  }
  ByteVector bytes;

 private:
  bool big_endian_;
};

/// An EXIF block of three entries (maker, orientation, copyright) and the link to a preview directory, which is not there.
inline ByteVector exif_block(int orientation, bool big_endian = false, uint32_t preview = 0) {
  ByteWriter w(big_endian);
  w.letters(big_endian ? "MM" : "II").number(42, 2).number(8, 4);
  w.number(3, 2);
  w.number(0x010f, 2).number(2, 2).number(4, 4).letters("Box").number(0, 1);
  w.number(0x0112, 2).number(3, 2).number(1, 4).number(uint64_t(orientation), 2).number(0, 2);
  w.number(0x8298, 2).number(2, 2).number(6, 4).number(50, 4);
  w.number(preview, 4);
  w.letters("Aoife").number(0, 1);
  return w.bytes;
}

/// An ICC profile (version 4.3) from its tags.
inline ByteVector icc_profile(const std::string& kind, const std::string& space, const std::string& connection,
                              const std::vector<std::pair<std::string, ByteVector>>& tags) {
  ByteVector body;
  ByteWriter table(true);
  table.number(tags.size(), 4);
  for (const auto& [name, content] : tags) {
    table.letters(name).number(128 + 4 + 12 * tags.size() + body.size(), 4).number(content.size(), 4);
    body.insert(body.end(), content.begin(), content.end());
    body.resize((body.size() + 3) / 4 * 4);
  }
  ByteWriter w(true);
  w.number(128 + table.bytes.size() + body.size(), 4).number(0, 4).number(0x04300000, 4).letters(kind + space + connection);
  w.number(2026, 2).number(1, 2).number(1, 2).zeros(6).letters("acsp");
  w.zeros(28).number(0xf6d6, 4).number(0x10000, 4).number(0xd32d, 4);  // flags to intent, then D50
  w.bytes.resize(128);
  for (const auto* part : {&table.bytes, &body}) w.bytes.insert(w.bytes.end(), part->begin(), part->end());
  return w.bytes;
}

inline uint32_t fixed(double v) { return uint32_t(int32_t(std::lround(v * 65536))); }  // s15Fixed16Number

inline ByteVector icc_text(const std::string& text) {  // one record of multiLocalizedUnicodeType
  ByteWriter w(true);
  w.letters("mluc").number(0, 4).number(1, 4).number(12, 4).letters("enUS").number(2 * text.size(), 4).number(28, 4);
  for (const char c : text) w.number(uint8_t(c), 2);
  return w.bytes;
}
inline ByteVector icc_point(double x, double y, double z) {
  ByteWriter w(true);
  w.letters("XYZ ").number(0, 4).number(fixed(x), 4).number(fixed(y), 4).number(fixed(z), 4);
  return w.bytes;
}
/// IEC 61966-2-1, as parametric curve 3.
inline ByteVector icc_srgb_curve() {
  ByteWriter w(true);
  w.letters("para").number(0, 4).number(3, 2).number(0, 2);
  for (const double p : {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045}) w.number(fixed(p), 4);
  return w.bytes;
}
inline ByteVector icc_gamma(double gamma) {
  ByteWriter w(true);
  w.letters("para").number(0, 4).number(0, 2).number(0, 2).number(fixed(gamma), 4);
  return w.bytes;
}

/// A profile of three primaries (adapted to D50, by columns) and one curve.
inline ByteVector rgb_profile(const std::string& name, const double (&m)[9], const ByteVector& curve) {
  return icc_profile("mntr", "RGB ", "XYZ ", {{"desc", icc_text(name)}, {"cprt", icc_text("none")}, {"wtpt", icc_point(0.9642, 1, 0.8249)},
                      {"rXYZ", icc_point(m[0], m[3], m[6])}, {"gXYZ", icc_point(m[1], m[4], m[7])}, {"bXYZ", icc_point(m[2], m[5], m[8])},
                      {"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve}});
}
inline ByteVector display_p3() {
  return rgb_profile("Display P3", {0.51512, 0.29198, 0.15710, 0.24120, 0.69225, 0.06657, -0.00105, 0.04189, 0.78407}, icc_srgb_curve());
}
inline ByteVector adobe_rgb() {
  return rgb_profile("Adobe RGB", {0.60974, 0.20528, 0.14919, 0.31111, 0.62567, 0.06322, 0.01947, 0.06087, 0.74457}, icc_gamma(2.19921875));
}
inline ByteVector srgb_profile() {
  return rgb_profile("sRGB by hand", {0.43607, 0.38515, 0.14307, 0.22249, 0.71687, 0.06061, 0.01392, 0.09708, 0.71410}, icc_srgb_curve());
}
inline ByteVector grey_profile(double gamma) {
  return icc_profile("mntr", "GRAY", "XYZ ", {{"desc", icc_text("Grey")}, {"cprt", icc_text("none")}, {"wtpt", icc_point(0.9642, 1, 0.8249)},
                      {"kTRC", icc_gamma(gamma)}});
}

/// A profile of inks under which L* is 100 minus half of black, whatever the other inks: a table (lut8Type) of two points per ink.
inline ByteVector ink_profile() {
  ByteWriter w(true);
  w.letters("mft1").number(0, 4).number(4, 1).number(3, 1).number(2, 1).number(0, 1);
  for (int i = 0; i < 9; ++i) w.number(fixed(i % 4 == 0), 4);
  for (int ink = 0; ink < 4; ++ink)
    for (int i = 0; i < 256; ++i) w.number(uint64_t(i), 1);
  for (int i = 0; i < 16; ++i) w.number(i % 2 ? 128 : 255, 1).number(128, 1).number(128, 1);  // the last ink varies fastest
  for (int out = 0; out < 3; ++out)
    for (int i = 0; i < 256; ++i) w.number(uint64_t(i), 1);
  return icc_profile("prtr", "CMYK", "Lab ", {{"desc", icc_text("Inks")}, {"cprt", icc_text("none")}, {"wtpt", icc_point(0.9642, 1, 0.8249)},
                      {"A2B0", w.bytes}, {"A2B1", w.bytes}, {"A2B2", w.bytes}});
}

/// A JPEG with a marker segment put in behind SOI.
inline ByteVector with_marker(const ByteVector& jpeg, int kind, const std::string& content) {
  ByteWriter w(true);
  w.number(0xff, 1).number(uint64_t(kind), 1).number(content.size() + 2, 2).letters(content);
  ByteVector out(jpeg);
  out.insert(out.begin() + 2, w.bytes.begin(), w.bytes.end());
  return out;
}

/// One colour of printing inks, size x size; Adobe programs store them inverted.
inline ByteVector cmyk_jpeg(const std::vector<int>& inks, bool adobe, int size) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors;
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* out = nullptr;
  unsigned long bytes = 0;
  jpeg_mem_dest(&codec, &out, &bytes);
  codec.image_width = codec.image_height = JDIMENSION(size);
  codec.input_components = 4;
  codec.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, 100, TRUE);
  codec.write_Adobe_marker = adobe;
  jpeg_start_compress(&codec, TRUE);
  ByteVector row;
  for (int x = 0; x < size; ++x)
    for (int ink : inks) row.push_back(uint8_t(adobe ? 255 - ink : ink));
  for (int y = 0; y < size; ++y) {
    JSAMPROW rows = row.data();
    jpeg_write_scanlines(&codec, &rows, 1);
  }
  jpeg_finish_compress(&codec);
  jpeg_destroy_compress(&codec);
  ByteVector file(out, out + bytes);
  std::free(out);
  return file;
}

inline std::string as_text(const ByteVector& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace kintsugi::testing
