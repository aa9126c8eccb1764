// Memory behind tensors: a block with a version counter, content that comes from elsewhere, and the allocator's statistics.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "kernels/base/device_runtime.h"

namespace kintsugi {

/// Where content comes from that need not be held: it is brought when first asked for and can be brought again.
class Origin {
 public:
  virtual ~Origin() = default;
  /// The bytes, aligned for their element type. Called again only after let_go.
  virtual void* bring() = 0;
  virtual void let_go(void* data) = 0;
  /// False for content that is not the origin's but whoever wrote it.
  virtual bool brings_again() const { return true; }
};

/// Memory from the allocator behind tensors, for an Origin that has to make its content. Throws Error when there is none left.
void* take_block(size_t bytes);
void give_block(void* block, size_t bytes);

class Storage {
 public:
  /// Throws Error naming the op (OpName), the request, what is live and the peak when there is not enough memory, and the facts when
  /// the device cannot be used.
  Storage(size_t bytes, Device device);
  /// On the CPU, with content from `origin`.
  Storage(size_t bytes, std::unique_ptr<Origin> origin);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  /// Brings the content first where it comes from an origin; throws what that throws.
  void* data() const {
    void* p = data_.load(std::memory_order_acquire);
    return p || !origin_ ? p : bring();
  }
  /// Lets content go that its origin brings again and that nobody has changed; else does nothing. Nobody may be using it.
  void release();
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  /// Goes up with every in-place change; what backward saved compares it (Saved in autograd/node.h).
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void* bring() const;

  DeviceBlock block_;  // empty on the CPU
  mutable std::atomic<void*> data_ = nullptr;
  size_t bytes_;
  Device device_;
  std::unique_ptr<Origin> origin_;
  mutable std::mutex bringing_;
  std::atomic<uint32_t> version_{0};
};

/// More than this is given back to the system.
inline constexpr size_t kMostCachedBytes = size_t(4) << 30;

struct AllocatorStats {
  size_t live_bytes = 0;    // held by tensors now
  size_t peak_bytes = 0;    // most ever held since reset_allocator_peak
  size_t cached_bytes = 0;  // freed by tensors, kept for the next ones; at most kMostCachedBytes
  uint64_t allocations = 0;
};
/// Of tensors on the CPU; on another device of every counted block, kernels' working memory included.
AllocatorStats allocator_stats(Device device = {});
void reset_allocator_peak(Device device = {});
/// Gives everything cached on the CPU back to the system.
void release_allocator_cache();

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
