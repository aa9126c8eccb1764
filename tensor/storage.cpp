#include "tensor/storage.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

std::atomic<int> poison_depth{0};

// Blocks are kept by rounded size: a training step asks for the same sizes every time, and asking the system for fresh
// pages (and faulting them in) costs more than many of the kernels that fill them.
class CpuAllocator {
 public:
  void* take(size_t bytes) {
    const size_t size = rounded(bytes);
    void* p = nullptr;
    {
      std::lock_guard lock(mutex_);
      auto& bin = free_[size];
      if (!bin.empty()) {
        p = bin.back();
        bin.pop_back();
        stats_.cached_bytes -= size;
      }
      stats_.live_bytes += size;
      stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.live_bytes);
      ++stats_.allocations;
    }
    if (!p) p = from_system(bytes, size);
    if (!p) {
      release_cache();
      p = from_system(bytes, size);
    }
    if (!p) {
      std::lock_guard lock(mutex_);
      stats_.live_bytes -= size;
      const char* op = OpName::current();
      fail("out of memory on cpu", *op ? " in " : "", op, ": a tensor of ", bytes, " bytes was asked for, ", stats_.live_bytes,
           " are live, the peak was ", stats_.peak_bytes);
    }
    return p;
  }

  void give(void* p, size_t bytes) {
    const size_t size = rounded(bytes);
    std::lock_guard lock(mutex_);
    stats_.live_bytes -= size;
#ifdef KIN_SANITIZE
    std::free(p);  // the sanitizer must see every use after free
#else
    stats_.cached_bytes += size;
    free_[size].push_back(p);
    if (stats_.cached_bytes > kMostCached) release_cache_locked();
#endif
  }

  void release_cache() {
    std::lock_guard lock(mutex_);
    release_cache_locked();
  }

  AllocatorStats stats() {
    std::lock_guard lock(mutex_);
    return stats_;
  }
  void reset_peak() {
    std::lock_guard lock(mutex_);
    stats_.peak_bytes = stats_.live_bytes;
  }

 private:
  static constexpr size_t kMostCached = size_t(4) << 30;

  // 64-byte steps up to 4 KiB, then eight sizes per power of two: at most 12.5 % wasted.
  static size_t rounded(size_t bytes) {
    if (bytes <= 4096) return std::max<size_t>(64, (bytes + 63) & ~size_t(63));
    const size_t step = std::bit_floor(bytes - 1) / 8;
    return (bytes + step - 1) / step * step;
  }
  static void* from_system(size_t bytes, size_t size) {
#ifdef KIN_SANITIZE
    // Exactly what was asked for: the slack of rounding would hide a kernel that reads past its tensor.
    (void)size;
    void* p = nullptr;
    return posix_memalign(&p, 64, bytes) == 0 ? p : nullptr;
#else
    (void)bytes;
    return std::aligned_alloc(64, size);
#endif
  }
  void release_cache_locked() {
    for (auto& [size, bin] : free_) {
      for (void* p : bin) std::free(p);
      bin.clear();
    }
    stats_.cached_bytes = 0;
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;
  AllocatorStats stats_;
};

// Never destroyed: tensors in static storage may outlive any static allocator.
CpuAllocator& cpu_allocator() {
  static auto* a = new CpuAllocator;
  return *a;
}

}  // namespace

Storage::Storage(size_t bytes, Device device) : bytes_(bytes), device_(device) {
  const bool poison = poison_depth.load(std::memory_order_relaxed) > 0;
  if (device.kind == DeviceKind::cpu) {
    data_ = cpu_allocator().take(bytes);
    if (poison) std::memset(data_, 0xff, bytes);
    return;
  }
  const Stream stream = current_stream(device);
  block_ = DeviceBlock(device, bytes, stream);
  data_ = block_.data();
  if (poison) runtime_on(device).fill_bytes(data_, 0xff, bytes, stream);
}
Storage::~Storage() {
  if (device_.kind == DeviceKind::cpu) cpu_allocator().give(data_, bytes_);
}

AllocatorStats allocator_stats(Device device) {
  if (device.kind == DeviceKind::cpu) return cpu_allocator().stats();
  const MemoryStats m = memory_stats(device);
  return {m.live_bytes, m.peak_bytes, m.reserved_bytes - std::min(m.reserved_bytes, m.live_bytes), m.allocations};
}
void reset_allocator_peak(Device device) {
  if (device.kind == DeviceKind::cpu) cpu_allocator().reset_peak();
  else reset_memory_peak(device);
}

PoisonGuard::PoisonGuard() { ++poison_depth; }
PoisonGuard::~PoisonGuard() { --poison_depth; }

}  // namespace kintsugi
