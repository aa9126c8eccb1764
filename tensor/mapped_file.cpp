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
  // Writable for the process alone: whoever changes a tensor that lies here gets a copy of that page.
  if (size_) data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  ::close(fd);
  KIN_CHECK(data_ != MAP_FAILED, path, ": cannot be mapped: ", std::strerror(errno));
}

MappedFile::~MappedFile() {
  if (size_) ::munmap(data_, size_);
}

void MappedFile::forget(std::span<const uint8_t> part) const {
  const auto page = uintptr_t(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(part.data()), end = begin + part.size();
  const uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

namespace {

class PartOfFile final : public Origin {
 public:
  PartOfFile(std::shared_ptr<const MappedFile> file, std::span<const uint8_t> part) : file_(std::move(file)), part_(part) {}
  void* bring() override { return const_cast<uint8_t*>(part_.data()); }
  void let_go(void*) override { file_->forget(part_); }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::span<const uint8_t> part_;
};

}  // namespace

Tensor tensor_in(std::shared_ptr<const MappedFile> file, const uint8_t* first, Shape shape, DType dtype) {
  if (reinterpret_cast<uintptr_t>(first) % size_of(dtype) != 0) return {};
  const std::span<const uint8_t> part(first, size_t(shape.numel()) * size_of(dtype));
  return Tensor::from(std::make_unique<PartOfFile>(std::move(file), part), shape, dtype);
}

}  // namespace kintsugi
