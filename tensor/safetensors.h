// safetensors files: named tensors and a map of strings. Format: u64 little-endian header length, JSON header, raw data.
// Every check of a hostile file is made before any data is touched.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor/named_tensors.h"

namespace kintsugi {

class MappedFile;

/// A file opened for reading: the header is read and checked here, the data is mapped, and copied by read().
class SafetensorsFile {
 public:
  /// Throws Error naming the file for: not readable; header length over 100 MB or beyond the file; not JSON, or not of the
  /// expected form; duplicate names; unknown dtype; begin > end or end beyond the data; length != shape x element size
  /// (computed without overflow); ranges that leave holes, overlap or do not reach the end of the file; rank above 6.
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;

  const std::string& path() const { return path_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// In the order of their data in the file.
  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  const Shape& shape(const std::string& name) const { return entry(name).shape; }
  /// A copy on the CPU. f16 becomes f32 and BOOL u8; the other types stay as they are. Throws Error when there is no such tensor.
  Tensor read(const std::string& name) const;
  /// The tensor where it lies in the mapped file (tensor_in of mapped_file.h), without a copy; an empty Tensor for types that read()
  /// converts and for data that is not aligned.
  Tensor mapped(const std::string& name) const;

 private:
  enum class Stored : uint8_t { f64, f32, bf16, f16, i64, i32, i16, i8, u8, boolean };
  struct Entry {
    Stored type;
    Shape shape;
    uint64_t begin, end;  // bytes from the end of the header
  };
  friend struct SafetensorsHeader;

  const Entry& entry(const std::string& name) const;
  static std::optional<DType> same_type(Stored stored);  // of memory

  std::string path_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> names_;
  std::shared_ptr<const MappedFile> mapping_;
  uint64_t data_offset_ = 0;
};

/// Writes the tensors in the order given (f64, f32, bf16, i64, i32, u8), atomically: a temporary name, flushed, renamed.
/// Throws Error when a name occurs twice or the file cannot be written; an existing file is then left as it was.
void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace kintsugi
