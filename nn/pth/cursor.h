// Reading little-endian numbers out of bytes nobody vouches for.
#pragma once
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "kernels/base/error.h"

namespace kintsugi {

using Bytes = std::span<const uint8_t>;

/// For messages: what a hostile file calls something, with anything unprintable replaced and the length bounded.
inline std::string shown(std::string_view text) {
  constexpr size_t kMost = 120;
  std::string out;
  for (const char c : text.substr(0, kMost)) out += c >= ' ' && c <= '~' ? c : '?';
  return text.size() > kMost ? out + "..." : out;
}

/// A position in bytes; every step is checked. `what` stands at the start of messages and must outlive the cursor.
class Cursor {
 public:
  Cursor(Bytes bytes, std::string_view what, size_t at = 0) : bytes_(bytes), what_(what), at_(at) {}

  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }

  Bytes take(uint64_t count) {
    KIN_CHECK(count <= left(), what_, ": is cut short: ", count, " bytes are needed at byte ", at_, ", ", left(), " are left");
    const Bytes out = bytes_.subspan(at_, size_t(count));
    at_ += size_t(count);
    return out;
  }
  template <class T>
  T number() {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text(uint64_t count) {
    const Bytes b = take(count);
    return {reinterpret_cast<const char*>(b.data()), b.size()};
  }
  /// Up to the next newline, which is taken too.
  std::string_view line() {
    size_t length = 0;
    while (length < left() && bytes_[at_ + length] != '\n') ++length;
    const std::string_view out = text(length);
    take(1);
    return out;
  }

 private:
  Bytes bytes_;
  std::string_view what_;
  size_t at_;
};

}  // namespace kintsugi
