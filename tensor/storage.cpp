#include "tensor/storage.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "kernels/base/error.h"
#include "tensor/arena.h"

namespace kintsugi {
namespace {

std::atomic<int> poison_depth{0};

// Asking the system for fresh pages, and faulting them in, costs more than many of the kernels that fill them. Small blocks are kept
// by rounded size, since a training step asks for the same sizes every time; large ones are cut from an arena, where what one
// leaves serves another of any size.
class CpuAllocator {
 public:
  CpuAllocator() : arena_(kHasArena ? 2 * physical_memory() : 0) {}

  void* take(size_t bytes) {
    const size_t size = rounded(bytes);
    std::lock_guard lock(mutex_);
    void* p = try_take(bytes, size);
    if (!p) {
      release_cache_locked();
      p = try_take(bytes, size);
    }
    if (!p) {
      const char* op = OpName::current();
      fail("out of memory on cpu", *op ? " in " : "", op, ": a tensor of ", bytes, " bytes was asked for, ", stats_.live_bytes,
           " are live, the peak was ", stats_.peak_bytes);
    }
    stats_.live_bytes += size;
    stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.live_bytes);
    ++stats_.allocations;
    return p;
  }

  void give(void* p, size_t bytes) {
    const size_t size = rounded(bytes);
    std::lock_guard lock(mutex_);
    stats_.live_bytes -= size;
    if (arena_.owns(p)) {
      arena_.give(p);
    } else if (!kHasArena || size >= kLarge) {
      std::free(p);
    } else {
      small_bytes_ += size;
      free_[size].push_back(p);
    }
    if (cached() > kMostCachedBytes) release_cache_locked();
  }

  void release_cache() {
    std::lock_guard lock(mutex_);
    release_cache_locked();
  }

  AllocatorStats stats() {
    std::lock_guard lock(mutex_);
    AllocatorStats s = stats_;
    s.cached_bytes = cached();
    return s;
  }
  void reset_peak() {
    std::lock_guard lock(mutex_);
    stats_.peak_bytes = stats_.live_bytes;
  }

 private:
#ifdef KIN_SANITIZE
  static constexpr bool kHasArena = false;  // the sanitizer must see every use after free, and each block's exact end
#else
  static constexpr bool kHasArena = true;
#endif
  static constexpr size_t kLarge = size_t(256) << 10;

  static size_t physical_memory() { return size_t(::sysconf(_SC_PHYS_PAGES)) * size_t(::sysconf(_SC_PAGESIZE)); }

  // 64-byte steps up to 4 KiB, then eight sizes per power of two, at most 12.5 % wasted; whole pages for large ones.
  static size_t rounded(size_t bytes) {
    if (bytes <= 4096) return std::max<size_t>(64, (bytes + 63) & ~size_t(63));
    const size_t step = bytes >= kLarge ? 4096 : std::bit_floor(bytes - 1) / 8;
    return (bytes + step - 1) / step * step;
  }
  void* try_take(size_t bytes, size_t size) {
    if (!kHasArena) return from_system(bytes);
    if (size >= kLarge) {
      void* p = arena_.take(size);
      return p ? p : from_system(size);
    }
    auto& bin = free_[size];
    if (bin.empty()) return from_system(size);
    void* p = bin.back();
    bin.pop_back();
    small_bytes_ -= size;
    return p;
  }
  static void* from_system(size_t bytes) {
    void* p = nullptr;
    return posix_memalign(&p, 64, bytes) == 0 ? p : nullptr;
  }
  size_t cached() const { return small_bytes_ + arena_.cached(); }
  void release_cache_locked() {
    for (auto& [size, bin] : free_) {
      for (void* p : bin) std::free(p);
      bin.clear();
    }
    small_bytes_ = 0;
    arena_.trim();
  }

  std::mutex mutex_;
  Arena arena_;
  std::map<size_t, std::vector<void*>> free_;
  size_t small_bytes_ = 0;
  AllocatorStats stats_;
};

// Never destroyed: tensors in static storage may outlive any static allocator.
CpuAllocator& cpu_allocator() {
  static auto* a = new CpuAllocator;
  return *a;
}

}  // namespace

Storage::Storage(size_t bytes, Device device) : bytes_(bytes), device_(device) {
  if (device.kind == DeviceKind::cpu) {
    data_ = take_block(bytes);
    return;
  }
  const Stream stream = current_stream(device);
  block_ = DeviceBlock(device, bytes, stream);
  data_ = block_.data();
  if (poison_depth.load(std::memory_order_relaxed) > 0) runtime_on(device).fill_bytes(data_, 0xff, bytes, stream);
}
Storage::Storage(size_t bytes, std::unique_ptr<Origin> origin) : bytes_(bytes), origin_(std::move(origin)) {}

Storage::~Storage() {
  void* p = data_;
  if (origin_) {
    if (p) origin_->let_go(p);
  } else if (device_.kind == DeviceKind::cpu) {
    give_block(p, bytes_);
  }
}

void* Storage::bring() const {
  std::lock_guard lock(bringing_);
  void* p = data_.load(std::memory_order_relaxed);
  if (p) return p;
  p = origin_->bring();
  data_.store(p, std::memory_order_release);
  return p;
}

void Storage::release() {
  void* p = data_;
  if (!origin_ || !p || version() > 0 || !origin_->brings_again()) return;
  data_ = nullptr;
  origin_->let_go(p);
}

void* take_block(size_t bytes) {
  void* p = cpu_allocator().take(bytes);
  if (poison_depth.load(std::memory_order_relaxed) > 0) std::memset(p, 0xff, bytes);
  return p;
}
void give_block(void* block, size_t bytes) { cpu_allocator().give(block, bytes); }

AllocatorStats allocator_stats(Device device) {
  if (device.kind == DeviceKind::cpu) return cpu_allocator().stats();
  const MemoryStats m = memory_stats(device);
  return {m.live_bytes, m.peak_bytes, m.reserved_bytes - std::min(m.reserved_bytes, m.live_bytes), m.allocations};
}
void reset_allocator_peak(Device device) {
  if (device.kind == DeviceKind::cpu) cpu_allocator().reset_peak();
  else reset_memory_peak(device);
}
void release_allocator_cache() { cpu_allocator().release_cache(); }

PoisonGuard::PoisonGuard() { ++poison_depth; }
PoisonGuard::~PoisonGuard() { --poison_depth; }

}  // namespace kintsugi
