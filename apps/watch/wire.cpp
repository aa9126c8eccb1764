#include "apps/watch/wire.h"

#include <bit>
#include <cstring>

namespace kintsugi::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "fixed-size numbers are written as they lie in memory");
enum Type { kVarint = 0, kReal64 = 1, kLength = 2, kReal32 = 5 };

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::optional<uint64_t> take_varint(std::string_view& in) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const uint8_t byte = uint8_t(in.front());
    in.remove_prefix(1);
    value |= uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return {};
}

}  // namespace

void Message::number(uint64_t value) {
  for (; value >= 0x80; value >>= 7) encoded_ += char(value | 0x80);
  encoded_ += char(value);
}

void Message::tag(int field, int type) { number(uint64_t(field) << 3 | uint64_t(type)); }

Message& Message::varint(int field, uint64_t value) {
  tag(field, kVarint);
  number(value);
  return *this;
}

Message& Message::real64(int field, double value) {
  tag(field, kReal64);
  append(encoded_, value);
  return *this;
}

Message& Message::real32(int field, float value) {
  tag(field, kReal32);
  append(encoded_, value);
  return *this;
}

Message& Message::bytes(int field, std::string_view value) {
  tag(field, kLength);
  number(value.size());
  encoded_ += value;
  return *this;
}

Message& Message::packed(int field, std::span<const double> values) {
  return bytes(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

std::optional<Field> take_field(std::string_view& in) {
  const auto tag = take_varint(in);
  if (!tag) return {};
  Field field{.number = int(*tag >> 3)};
  size_t length = 0;
  switch (*tag & 7) {
    case kVarint: {
      const auto value = take_varint(in);
      if (!value) return {};
      field.value = *value;
      return field;
    }
    case kReal64: length = 8; break;
    case kReal32: length = 4; break;
    case kLength: {
      const auto given = take_varint(in);
      if (!given || *given > in.size()) return {};
      length = size_t(*given);
      break;
    }
    default: return {};
  }
  if (length > in.size()) return {};
  field.bytes = in.substr(0, length);
  if ((*tag & 7) != kLength) std::memcpy(&field.value, in.data(), length);
  in.remove_prefix(length);
  return field;
}

}  // namespace kintsugi::wire
