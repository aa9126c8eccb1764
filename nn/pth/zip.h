// ZIP archives as torch.save writes them: every entry stored, never compressed, so that an entry is a range of the mapped file.
// Format: PKWARE's APPNOTE 6.3, with ZIP64. Only the central directory is believed, for PyTorch leaves sizes of zero in the local
// headers. Check sums are not compared: PyTorch can be told not to compute them.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nn/pth/cursor.h"

namespace kintsugi {

class ZipArchive {
 public:
  /// Reads the directory of the archive in `file`, which must outlive this object; `path` stands in messages. Throws Error for:
  /// no end record (not a ZIP, or cut short); several disks; an entry that is compressed, encrypted or lies outside the file; a
  /// name that occurs twice, is absolute, or holds "..", a backslash or a zero byte.
  ZipArchive(Bytes file, std::string path);

  /// Whether bytes begin as an archive does.
  static bool begins(Bytes file);

  /// In the directory's order.
  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  /// The entry's bytes, inside `file`. Throws Error when there is no such entry.
  Bytes at(const std::string& name) const;

 private:
  struct Directory {
    uint64_t offset, size, entries;
  };
  Directory find_directory() const;
  Directory zip64_directory(size_t end_record) const;
  void read_entry(Cursor& directory, uint64_t directory_offset);

  Bytes file_;
  std::string path_;
  std::map<std::string, Bytes> entries_;
  std::vector<std::string> names_;
};

}  // namespace kintsugi
