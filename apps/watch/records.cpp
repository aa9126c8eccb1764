#include "apps/watch/records.h"

#include <array>
#include <bit>
#include <cstring>

namespace kintsugi {
namespace {

static_assert(std::endian::native == std::endian::little, "lengths and sums are written as they lie in memory");

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    table[byte] = crc;
  }
  return table;
}
constexpr auto kTable = make_table();

constexpr size_t kHead = 8 + 4, kTail = 4;

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
template <class T>
T value_at(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = kTable[(crc ^ uint8_t(c)) & 0xff] ^ crc >> 8;
  return ~crc;
}

uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8u; }

std::string record(std::string_view payload) {
  const uint64_t length = payload.size();
  std::string out;
  out.reserve(kHead + payload.size() + kTail);
  out.append(bytes_of(length)).append(bytes_of(masked_crc(bytes_of(length))));
  out.append(payload).append(bytes_of(masked_crc(payload)));
  return out;
}

std::optional<std::string_view> take_record(std::string_view& file) {
  if (file.size() < kHead + kTail) return {};
  const auto length = value_at<uint64_t>(file);
  if (value_at<uint32_t>(file.substr(8)) != masked_crc(file.substr(0, 8)) || length > file.size() - kHead - kTail) return {};
  const std::string_view payload = file.substr(kHead, size_t(length));
  if (value_at<uint32_t>(file.substr(kHead + payload.size())) != masked_crc(payload)) return {};
  file.remove_prefix(kHead + payload.size() + kTail);
  return payload;
}

}  // namespace kintsugi
