#include "kernels/simt/fiber.h"

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif
// Functions that a fiber enters and never returns from must not be counted by ThreadSanitizer's own call stack.
#define KIN_UNCOUNTED __attribute__((no_sanitize("thread")))

#ifndef KIN_FIBER_UCONTEXT
// Saves the registers a callee must keep, then the stack pointer, and does the reverse for the other side.
extern "C" void kin_fiber_switch(void** save_stack_pointer, void* load_stack_pointer);
#endif

#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.globl kin_fiber_switch
.type kin_fiber_switch,@function
kin_fiber_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size kin_fiber_switch, .-kin_fiber_switch
)");
#elif defined(__aarch64__)
asm(R"(
.text
.p2align 4
.globl kin_fiber_switch
.type kin_fiber_switch,%function
kin_fiber_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size kin_fiber_switch, .-kin_fiber_switch
)");
#endif

namespace kintsugi::simt {

namespace {

thread_local Fiber* left = nullptr;  // the fiber that the running one was switched to from

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer sees all fibers of an OS thread as one. They never run at the same time, and clocks with an entry for each of a
// thousand fibers would make every lock of the program a thousand times dearer. A new one for each block: calls that a fiber never
// returned from stay on its list.
struct SharedContext {
  void* fiber = nullptr;
  void renew() {
    if (fiber) __tsan_destroy_fiber(fiber);
    fiber = __tsan_create_fiber(0);
  }
  ~SharedContext() {
    if (fiber) __tsan_destroy_fiber(fiber);
  }
};
thread_local SharedContext shared_context;
#endif

}  // namespace

void Fiber::announce_stack(char* stack, size_t bytes) {
  stack_ = stack;
  stack_bytes_ = bytes;
#if defined(__SANITIZE_THREAD__)
  tsan_ = shared_context.fiber;
#endif
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack, bytes);  // of frames that were never left
#endif
}

#ifdef KIN_FIBER_UCONTEXT

void Fiber::prepare(char* stack, size_t bytes, void (*entry)()) {
  announce_stack(stack, bytes);
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = bytes;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
}

#else

void Fiber::prepare(char* stack, size_t bytes, void (*entry)()) {
  announce_stack(stack, bytes);
  auto top = reinterpret_cast<uintptr_t>(stack + bytes) & ~uintptr_t(15);
  void** sp = reinterpret_cast<void**>(top);
#if defined(__x86_64__)
  // What the switch pops: six registers, then the address `ret` jumps to; entry then finds the stack as after a call.
  *--sp = nullptr;
  *--sp = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--sp = nullptr;
#else
  sp -= 20;
  for (int i = 0; i < 20; ++i) sp[i] = nullptr;
  sp[11] = reinterpret_cast<void*>(entry);  // x30
#endif
  stack_pointer_ = sp;
}

#endif

void Fiber::begin_block() {
#if defined(__SANITIZE_THREAD__)
  shared_context.renew();
#endif
}

KIN_UNCOUNTED void Fiber::switch_to(Fiber& from, Fiber& to) {
  left = &from;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_, to.stack_bytes_);
#endif
#if defined(__SANITIZE_THREAD__)
  if (!from.tsan_) from.tsan_ = __tsan_get_current_fiber();  // the scheduler's
  __tsan_switch_to_fiber(to.tsan_, 0);
#endif
#ifdef KIN_FIBER_UCONTEXT
  swapcontext(&from.context_, &to.context_);
#else
  kin_fiber_switch(&from.stack_pointer_, to.stack_pointer_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(from.fake_stack_, &left->stack_, &left->stack_bytes_);
#endif
}

KIN_UNCOUNTED void Fiber::begun() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &left->stack_, &left->stack_bytes_);
#endif
}

KIN_UNCOUNTED void Fiber::leave(Fiber& from, Fiber& to) {
  switch_to(from, to);
  __builtin_unreachable();
}

}  // namespace kintsugi::simt
