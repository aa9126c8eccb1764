// A file seen as bytes: pages come in as they are touched, so opening a large checkpoint costs nothing.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tensor/tensor.h"

namespace kintsugi {

class MappedFile {
 public:
  /// Maps the whole file for reading. Throws Error naming the file when it is missing, unreadable or not a regular file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const uint8_t> bytes() const { return {static_cast<const uint8_t*>(data_), size_}; }
  /// Lets go of the pages that lie wholly within these bytes, a part of bytes(); touched again, they come from the file again.
  void forget(std::span<const uint8_t> part) const;

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

/// A tensor that is a part of the file's memory and keeps the file mapped. Writing to it changes this process's copy of the page, never
/// the file. An empty Tensor when the bytes are not aligned for the type. release() forgets the pages.
Tensor tensor_in(std::shared_ptr<const MappedFile> file, const uint8_t* first, Shape shape, DType dtype);

}  // namespace kintsugi
