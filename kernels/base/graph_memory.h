// The memory of one recording. Internal to kernels/base.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "kernels/base/device_runtime.h"

namespace kintsugi {

/// Blocks come from outside the recorded stream and are handed out again within the recording only, whole or in parts: there the stream's order makes
/// it safe, and every launch repeats it. All go back to the device when the graph and the last tensor in its memory are gone.
class GraphMemory {
 public:
  explicit GraphMemory(Device device) : device_(device) {}
  ~GraphMemory();
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;

  /// Null when the device has no more.
  void* take(size_t bytes);
  void give(void* block, size_t bytes);
  /// For a block that is given back: the recording that it was taken from, which ends its use; null for any other block.
  static std::shared_ptr<GraphMemory> of(void* block);
  /// A block that existed before and is freed while recording: that is no part of the work, so it happens afterwards.
  void free_later(void* block, Stream stream);
  void recorded();
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

  /// That of the recording in progress on this thread; null: none.
  static std::shared_ptr<GraphMemory>& current();

 private:
  void* find(size_t size);
  void insert(char* begin, size_t size);
  void erase(std::map<char*, size_t>::iterator range);
  static size_t rounded(size_t bytes) { return (bytes + 255) & ~size_t(255); }

  Device device_;
  std::mutex mutex_;
  bool recording_ = true;
  size_t bytes_ = 0;
  std::set<void*> blocks_;
  std::map<char*, size_t> free_;                  // ranges by where they begin; neighbours of one block are one range
  std::set<std::pair<size_t, char*>> free_sizes_;  // the same, the smallest first
  std::vector<std::pair<void*, Stream>> later_;
};

}  // namespace kintsugi
