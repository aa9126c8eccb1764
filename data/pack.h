// A pack: the pictures of a training set in one file that is mapped, not read. data/pack_format.h has the bytes.
#pragma once
#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/bytes.h"
#include "data/pack_format.h"
#include "tensor/atomic_file.h"
#include "tensor/mapped_file.h"

namespace kintsugi {

/// Whether a file that begins so says it is a pack.
bool is_pack(Bytes head);
/// CRC-32 of ISO 3309, as in PNG.
uint32_t crc32_of(Bytes bytes);

class Pack {
 public:
  /// Throws Error naming the file, what was expected and what was found, for anything that is not a whole pack of a version known here:
  /// header, trailer and index are checked completely. Pictures are checked when they are first read.
  explicit Pack(const std::filesystem::path& path);
  /// The same for bytes that outlive it; `name` stands in messages.
  Pack(Bytes file, std::string name);

  int64_t size() const { return int64_t(entries_.size()); }
  PackStorage storage() const { return storage_; }
  int side() const { return side_; }  // of every picture; 0 when they are stored as files

  struct Entry {
    std::string_view name, identity;  // identity: "" where none is known
    int h, w;
    uint32_t crc;
    Bytes bytes;  // of the file, or h*w*3 bytes of RGB
  };
  const Entry& entry(int64_t i) const { return entries_[size_t(i)]; }

  /// The stored bytes of picture i, whose checksum was right. Safe to call from several threads. Throws Error naming pack and picture.
  Bytes bytes(int64_t i) const;
  /// Picture i, upright, RGB. Throws Error naming pack and picture when it is damaged.
  Image picture(int64_t i) const;
  /// "PACK: NAME", for messages.
  std::string name_of(int64_t i) const;

 private:
  void parse(Bytes file);
  void parse_index(Bytes index, uint64_t count);

  std::string name_;
  std::optional<MappedFile> mapped_;
  PackStorage storage_ = PackStorage::encoded;
  int side_ = 0;
  std::vector<Entry> entries_;
  mutable std::vector<std::atomic<bool>> checked_;
};

/// Writes a pack that is there whole or not at all.
class PackWriter {
 public:
  /// side: of every picture with rgb8, else 0. Throws Error as AtomicFile does.
  PackWriter(const std::filesystem::path& target, PackStorage storage, int side);

  /// Throws Error for an empty or known name, and for bytes that do not fit an rgb8 picture; as AtomicFile when the disk refuses.
  void add(const std::string& name, const std::string& identity, int h, int w, Bytes bytes);
  /// Index and trailer, then the file gets its name. Returns its size. Throws Error when there is no picture.
  uint64_t commit();

 private:
  void write(const void* data, size_t bytes);
  void align();

  std::string name_;
  AtomicFile file_;
  PackStorage storage_;
  int side_;
  uint64_t position_ = 0;
  std::vector<pack_format::Record> records_;
  std::vector<std::string> names_, identities_;
};

}  // namespace kintsugi
