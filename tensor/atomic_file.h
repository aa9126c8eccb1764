// Files that are there whole or not at all: checkpoints, restored photographs, reports.
#pragma once
#include <cstddef>
#include <filesystem>

namespace kintsugi {

/// Writes to a temporary name in the target's folder; commit() flushes it to the disk and renames it onto the target, so
/// that a reader, a crash or a full disk never sees half a file. Without commit() the temporary file is removed.
/// Throws Error with the path and the system's reason when the folder is missing or not writable, the disk is full, or the
/// target exists and is not a regular file (a device or a folder must not be replaced by a rename).
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t bytes);
  void commit();

 private:
  [[noreturn]] void give_up(const char* doing, int error);
  void discard() noexcept;

  std::filesystem::path shown_;   // as the caller wrote it, for messages
  std::filesystem::path target_;  // with a symbolic link followed
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Writes one block of bytes as a whole file.
void write_file(const std::filesystem::path& target, const void* data, size_t bytes);

}  // namespace kintsugi
