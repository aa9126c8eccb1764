#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "kernels/base/error.h"
#include "kernels/simt/block.h"

namespace kintsugi::simt {
namespace {
constexpr size_t kMostArrays = 64;
constexpr int kPoison = 0xff;
}  // namespace

SharedMemory::SharedMemory() : memory_(nullptr, std::free) {
  capacity_ = (2 * kGuard + kMostShared + kMostArrays * (kAfterStatic + 128) + 1023) / 1024 * 1024;
  base_ = static_cast<char*>(std::aligned_alloc(1024, capacity_));
  if (!base_) throw std::bad_alloc();
  memory_.reset(base_);
}

void SharedMemory::begin_block(size_t dynamic_bytes) {
  arrays_.clear();
  static_bytes_ = 0;
  dynamic_bytes_ = dynamic_bytes;
  used_ = kGuard + dynamic_bytes + kGuard;
  std::memset(base_, kPoison, used_);
}

void* SharedMemory::declare(const void* tag, size_t bytes, size_t alignment, const char* name, const Site& site) {
  for (const Array& a : arrays_)
    if (a.tag == tag) return base_ + a.offset;
  static_bytes_ += bytes;
  if (static_bytes_ > kMostStaticShared)
    fault(site, text("a kernel declares at most ", kMostStaticShared, " bytes of shared arrays, '", name, "' makes it ", static_bytes_));
  if (static_bytes_ + dynamic_bytes_ > kMostShared)
    fault(site, text("a block has at most ", kMostShared, " bytes of shared memory, '", name, "' makes it ", static_bytes_ + dynamic_bytes_));
  const size_t align = std::max<size_t>(alignment, 16), offset = (used_ + align - 1) / align * align;
  if (arrays_.size() == kMostArrays || offset + bytes + kAfterStatic > capacity_) fault(site, text("too many shared arrays at '", name, "'"));
  std::memset(base_ + used_, kPoison, offset + bytes + kAfterStatic - used_);
  used_ = offset + bytes + kAfterStatic;
  arrays_.push_back({tag, offset, bytes, name, site});
  return base_ + offset;
}

std::string SharedMemory::name_of(uint32_t address, unsigned bytes) const {
  const auto within = [&](size_t begin, size_t size) { return address >= begin && address + bytes <= begin + size; };
  if (within(kGuard, dynamic_bytes_)) return text("dynamic shared memory + ", address - kGuard);
  for (const Array& a : arrays_)
    if (within(a.offset, a.bytes)) return text('\'', a.name, "' + ", address - a.offset);
  return "";
}

void SharedMemory::check_guards() const {
  const auto intact = [&](size_t begin, size_t end) {
    return std::all_of(base_ + begin, base_ + end, [](char c) { return static_cast<unsigned char>(c) == kPoison; });
  };
  const size_t dynamic_end = kGuard + dynamic_bytes_;
  KIN_CHECK(intact(0, kGuard), "simt: dynamic shared memory was written before its beginning");
  KIN_CHECK(intact(dynamic_end, dynamic_end + kGuard), "simt: dynamic shared memory was written past its end (", dynamic_bytes_, " bytes)");
  for (const Array& a : arrays_)
    if (!intact(a.offset + a.bytes, a.offset + a.bytes + kAfterStatic))
      fault(a.site, text("shared array '", a.name, "' was written past its end (", a.bytes, " bytes)"));
}

}  // namespace kintsugi::simt
