// SHA-256 (FIPS 180-4): what download pages and `sha256sum` give, so that a file can be told from all others.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace kintsugi {

class Sha256 {
 public:
  void add(const void* data, size_t bytes);
  /// 64 hexadecimal digits; the object is used up.
  std::string hex();

 private:
  void block(const uint8_t* p);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_ = {};
  uint64_t length_ = 0;  // bytes so far; those not yet taken lie in pending_
};

/// 64 hexadecimal digits of these bytes.
std::string sha256_of(std::span<const uint8_t> bytes);
/// Of a file's bytes. Throws Error with the system's reason when it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace kintsugi
