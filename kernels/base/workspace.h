// Working memory of a kernel: borrowed from the calling thread, given back at the end of the scope, kept for the next
// call so that a training loop does not fault in fresh pages every time.
#pragma once
#include <cstddef>

namespace kintsugi {

/// `count` floats aligned to 64 bytes, not initialised. Borrowings of one thread must end in reverse order, which scopes
/// guarantee. Another thread may use the memory while the owner waits for it (parallel_for).
class Workspace {
 public:
  explicit Workspace(size_t count);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  float* data() const { return data_; }

 private:
  float* data_;
};

}  // namespace kintsugi
