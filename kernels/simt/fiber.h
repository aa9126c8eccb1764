// Fibers: computations with a stack of their own that hand the processor to each other by hand. One emulated CUDA thread is one
// fiber. The switch is a dozen instructions on x86-64 and aarch64; elsewhere it is ucontext, five times slower.
#pragma once
#include <cstddef>

#if !defined(__x86_64__) && !defined(__aarch64__)
#define KIN_FIBER_UCONTEXT 1
#include <ucontext.h>
#endif

namespace kintsugi::simt {

/// One side of a switch: where it left off.
class Fiber {
 public:
  /// The running computation itself: an owner that resumes others.
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// To be called on the OS thread before it prepares the first fiber of a block, when no fiber of the block before will run again.
  static void begin_block();

  /// Makes this fiber begin at entry() on the given stack when it is next switched to. entry must call begun() first, must never return
  /// and never let an exception out. The stack may have been left in the middle of something else: nothing on it is destroyed.
  void prepare(char* stack, size_t bytes, void (*entry)());

  /// Saves the running computation in `from` and continues `to`.
  static void switch_to(Fiber& from, Fiber& to);
  static void begun();
  /// As switch_to, from a fiber that will not run again until it is prepared anew.
  static void leave(Fiber& from, Fiber& to);

 private:
  void announce_stack(char* stack, size_t bytes);

  // Sanitizers are told of every switch: AddressSanitizer which stack is in use, ThreadSanitizer whose calls follow.
  void* fake_stack_ = nullptr;
  const void* stack_ = nullptr;
  size_t stack_bytes_ = 0;
  void* tsan_ = nullptr;
#ifdef KIN_FIBER_UCONTEXT
  ucontext_t context_;
#else
  void* stack_pointer_ = nullptr;
#endif
};

}  // namespace kintsugi::simt
