#include "tensor/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "kernels/base/error.h"

namespace kintsugi {
namespace fs = std::filesystem;

namespace {

/// Short and not made from the target's name, which may already be as long as the file system allows.
fs::path temporary_name(const fs::path& folder) {
  static std::atomic<unsigned> counter{0};
  return folder / text(".kintsugi-", ::getpid(), "-", counter++, ".tmp");
}

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

}  // namespace

AtomicFile::AtomicFile(const fs::path& target) : shown_(target), target_(target) {
  std::error_code error;
  if (fs::is_symlink(target, error)) {
    target_ = fs::weakly_canonical(target, error);
    KIN_CHECK(!error, "cannot write ", shown_, ": the symbolic link cannot be followed (", error.message(), ")");
  }
  const fs::file_status status = fs::status(target_, error);
  KIN_CHECK(!fs::is_directory(status), "cannot write ", shown_, ": expected a file name, found a folder");
  KIN_CHECK(!fs::exists(status) || fs::is_regular_file(status), "cannot write ", shown_,
            ": it exists and is not a regular file");
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    temporary_ = temporary_name(folder_of(target_));
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    // EEXIST: a process that died had the same number. Its left-over is not ours to remove.
    if (descriptor_ < 0 && (errno != EEXIST || attempt > 100)) {
      temporary_.clear();
      give_up("the folder does not accept a new file", errno);
    }
  }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::write(const void* data, size_t bytes) {
  KIN_CHECK(descriptor_ >= 0, "cannot write ", shown_, ": it was already committed");
  const char* p = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(descriptor_, p, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) give_up("writing failed", errno);
    p += n;
    bytes -= size_t(n);
  }
}

void AtomicFile::commit() {
  KIN_CHECK(descriptor_ >= 0, "cannot write ", shown_, ": it was already committed");
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) give_up("flushing to the disk failed", errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) give_up("closing failed", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) give_up("renaming the finished file failed", errno);
  temporary_.clear();
  // The rename itself lives in the folder. A file system that cannot flush a folder still keeps the rename atomic.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void AtomicFile::give_up(const char* doing, int error) {
  discard();
  fail("cannot write ", shown_, ": ", doing, " (", std::strerror(error), ")");
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void write_file(const fs::path& target, const void* data, size_t bytes) {
  AtomicFile file(target);
  file.write(data, bytes);
  file.commit();
}

}  // namespace kintsugi
