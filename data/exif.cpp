#include "data/exif.h"

#include <optional>

namespace kintsugi {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr uint16_t kShort = 3, kLong = 4;
constexpr size_t kEntryBytes = 12;

/// Numbers of a TIFF block in its byte order. Callers check the bounds.
struct Block {
  Bytes bytes;
  bool big_endian = false;

  uint32_t number(size_t at, int width) const {
    uint32_t v = 0;
    for (int i = 0; i < width; ++i) v = v << 8 | bytes[at + size_t(big_endian ? i : width - 1 - i)];
    return v;
  }
};

struct Directory {
  Block block;
  size_t entries = 0, count = 0;  // where the entries begin, how many

  size_t entry(size_t i) const { return entries + i * kEntryBytes; }
  size_t next_link() const { return entry(count); }
};

std::optional<Directory> first_directory(Bytes tiff) {
  if (tiff.size() < 8) return std::nullopt;
  Directory d;
  d.block.bytes = tiff;
  if (tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return std::nullopt;
  d.block.big_endian = tiff[0] == 'M';
  if (d.block.number(2, 2) != 42) return std::nullopt;
  const size_t at = d.block.number(4, 4);
  if (at < 8 || at > tiff.size() - 2) return std::nullopt;
  d.count = d.block.number(at, 2);
  d.entries = at + 2;
  if (d.count > (tiff.size() - d.entries) / kEntryBytes) return std::nullopt;
  return d;
}

/// The value's place and width in entry i when that is an orientation, else nothing.
struct Value {
  size_t at;
  int width;
};
std::optional<Value> orientation_value(const Directory& d, size_t i) {
  const size_t entry = d.entry(i);
  const uint32_t type = d.block.number(entry + 2, 2);
  if (d.block.number(entry, 2) != kOrientationTag || (type != kShort && type != kLong) || d.block.number(entry + 4, 4) != 1)
    return std::nullopt;
  return Value{entry + 8, type == kShort ? 2 : 4};
}

}  // namespace

int exif_orientation(Bytes tiff) {
  const auto d = first_directory(tiff);
  for (size_t i = 0; d && i < d->count; ++i)
    if (const auto value = orientation_value(*d, i)) {
      const uint32_t v = d->block.number(value->at, value->width);
      return v >= 1 && v <= 8 ? int(v) : 1;
    }
  return 1;
}

void set_exif_upright(std::span<uint8_t> tiff) {
  if (exif_orientation(tiff) == 1) return;
  const auto d = first_directory(tiff);
  for (size_t i = 0; i < d->count; ++i)
    if (const auto value = orientation_value(*d, i))
      for (int b = 0; b < value->width; ++b) tiff[value->at + size_t(b)] = b == (d->block.big_endian ? value->width - 1 : 0);
  if (d->next_link() + 4 <= tiff.size())
    for (int b = 0; b < 4; ++b) tiff[d->next_link() + size_t(b)] = 0;
}

void set_xmp_upright(std::string& xmp) {
  const std::string_view name = "tiff:Orientation";
  for (size_t at = xmp.find(name); at != std::string::npos; at = xmp.find(name, at + 1)) {
    size_t digit = xmp.find_first_not_of(" \t\r\n=\"'>", at + name.size());
    if (digit != std::string::npos && xmp[digit] >= '1' && xmp[digit] <= '8') xmp[digit] = '1';
  }
}

}  // namespace kintsugi
