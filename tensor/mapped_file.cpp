#include "tensor/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "kernels/base/error.h"

namespace kintsugi {

MappedFile::MappedFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  KIN_CHECK(fd >= 0, path, ": cannot be read: ", std::strerror(errno));
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    ::close(fd);
    fail(path, ": is not a file");
  }
  size_ = size_t(st.st_size);
  if (size_) data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  KIN_CHECK(data_ != MAP_FAILED, path, ": cannot be mapped: ", std::strerror(errno));
}

MappedFile::~MappedFile() {
  if (size_) ::munmap(data_, size_);
}

}  // namespace kintsugi
