// A file seen as bytes: pages come in as they are touched, so opening a large checkpoint costs nothing.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace kintsugi {

class MappedFile {
 public:
  /// Maps the whole file for reading. Throws Error naming the file when it is missing, unreadable or not a regular file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const uint8_t> bytes() const { return {static_cast<const uint8_t*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace kintsugi
