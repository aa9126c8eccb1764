// One stretch of addresses from which large blocks are cut: what one tensor leaves serves the next whatever their sizes, so a
// program holds about as much as was ever alive at once, and no page is faulted in twice.
#pragma once
#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace kintsugi {

/// Not thread-safe: the allocator above it locks.
class Arena {
 public:
  /// Reserves addresses (not memory): `wanted` bytes, or less where the system refuses that much.
  explicit Arena(size_t wanted);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// A block of whole pages, the smallest free stretch that holds it; nullptr when there is none or the system has no memory.
  void* take(size_t bytes);
  void give(void* block);
  bool owns(const void* p) const { return p >= base_ && p < base_ + reserved_; }

  /// Bytes in free stretches that may still be backed by memory.
  size_t cached() const { return cached_; }
  /// Gives the memory of all free stretches back to the system.
  void trim();

 private:
  struct Stretch {
    size_t size;
    size_t backed;  // at most this much of it is backed by memory
  };
  using Stretches = std::map<char*, Stretch>;
  bool commit(char* end);
  void add_free(char* at, Stretch s);
  void remove_free(Stretches::iterator it);

  char* base_ = nullptr;
  size_t reserved_ = 0;
  char* committed_ = nullptr;  // readable and writable up to here
  char* top_ = nullptr;        // nothing beyond was ever handed out
  Stretches free_;
  std::set<std::pair<size_t, char*>> by_size_;
  std::map<void*, size_t> taken_;
  size_t cached_ = 0;
};

}  // namespace kintsugi
