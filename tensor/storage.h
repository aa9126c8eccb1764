// Memory behind tensors: a block with a version counter, and the allocator's statistics.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/base/device_runtime.h"

namespace kintsugi {

class Storage {
 public:
  /// Throws Error naming the op (OpName), the request, what is live and the peak when there is not enough memory, and the facts when
  /// the device cannot be used.
  Storage(size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  /// Goes up with every in-place change; what backward saved compares it (Saved in autograd/node.h).
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  DeviceBlock block_;  // empty on the CPU
  void* data_;
  size_t bytes_;
  Device device_;
  std::atomic<uint32_t> version_{0};
};

struct AllocatorStats {
  size_t live_bytes = 0;    // held by tensors now
  size_t peak_bytes = 0;    // most ever held since reset_allocator_peak
  size_t cached_bytes = 0;  // freed by tensors, kept for the next one
  uint64_t allocations = 0;
};
/// Of tensors on the CPU; on another device of every counted block, kernels' working memory included.
AllocatorStats allocator_stats(Device device = {});
void reset_allocator_peak(Device device = {});

/// While alive, every new block is filled with 0xFF bytes (NaN in every float type), so that an element a kernel
/// forgets to write shows. Process-wide; nestable.
class PoisonGuard {
 public:
  PoisonGuard();
  ~PoisonGuard();
  PoisonGuard(const PoisonGuard&) = delete;
  PoisonGuard& operator=(const PoisonGuard&) = delete;
};

}  // namespace kintsugi
