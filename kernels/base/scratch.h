// Working memory of a kernel: borrowed from the calling thread, given back at the end of the scope, kept for the next
// call so that a training loop does not fault in fresh pages every time.
#pragma once
#include <cstddef>

namespace kintsugi {

/// `count` floats aligned to 64 bytes, not initialised. Borrowings of one thread must end in reverse order, which scopes
/// guarantee. Another thread may use the memory while the owner waits for it (parallel_for).
class Scratch {
 public:
  explicit Scratch(size_t count);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  float* data() const { return data_; }

 private:
  float* data_;
};

}  // namespace kintsugi
