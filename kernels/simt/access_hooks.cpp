// What the compiler calls at every load and store of a watched build (kernels/simt/access.h), in the place of ThreadSanitizer's library.
#ifdef KIN_SIM_WATCH

#include <cstdint>
#include <cstring>

#include "kernels/simt/block.h"

namespace {

inline void watch(const void* p, unsigned bytes, bool write, const void* code, bool atomic = false) {
  if (auto* block = kintsugi::simt::Block::running()) block->access(p, bytes, write, atomic, code);
}
// Longer moves, of whole structs, in pieces.
void watch_range(const void* p, unsigned long bytes, bool write, const void* code) {
  const char* at = static_cast<const char*>(p);
  for (; bytes; ) {
    const unsigned n = bytes < 16 ? unsigned(bytes) : 16u;
    watch(at, n, write, code);
    at += n;
    bytes -= n;
  }
}

}  // namespace

#define KIN_HERE __builtin_return_address(0)
#define KIN_ACCESS(n)                                                                  \
  void __tsan_read##n(void* p) { watch(p, n, false, KIN_HERE); }                       \
  void __tsan_write##n(void* p) { watch(p, n, true, KIN_HERE); }                       \
  void __tsan_unaligned_read##n(void* p) { watch(p, n, false, KIN_HERE); }             \
  void __tsan_unaligned_write##n(void* p) { watch(p, n, true, KIN_HERE); }             \
  void __tsan_volatile_read##n(void* p) { watch(p, n, false, KIN_HERE); }              \
  void __tsan_volatile_write##n(void* p) { watch(p, n, true, KIN_HERE); }
// The atomics that kernels/simt/dialect.h is written with.
#define KIN_ATOMIC(bits, T)                                                                                   \
  T __tsan_atomic##bits##_load(const T* p, int) {                                                             \
    watch(p, bits / 8, false, KIN_HERE, true);                                                                \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                              \
  }                                                                                                           \
  int __tsan_atomic##bits##_compare_exchange_weak(T* p, T* expected, T desired, int, int) {                   \
    watch(p, bits / 8, true, KIN_HERE, true);                                                                 \
    return __atomic_compare_exchange_n(p, expected, desired, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
  }                                                                                                           \
  int __tsan_atomic##bits##_compare_exchange_strong(T* p, T* expected, T desired, int, int) {                 \
    watch(p, bits / 8, true, KIN_HERE, true);                                                                 \
    return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);      \
  }                                                                                                           \
  T __tsan_atomic##bits##_fetch_add(T* p, T v, int) {                                                         \
    watch(p, bits / 8, true, KIN_HERE, true);                                                                 \
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                                        \
  }

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read_range(void* p, unsigned long bytes) { watch_range(p, bytes, false, KIN_HERE); }
void __tsan_write_range(void* p, unsigned long bytes) { watch_range(p, bytes, true, KIN_HERE); }
KIN_ACCESS(1)
KIN_ACCESS(2)
KIN_ACCESS(4)
KIN_ACCESS(8)
KIN_ACCESS(16)
KIN_ATOMIC(8, uint8_t)
KIN_ATOMIC(16, uint16_t)
KIN_ATOMIC(32, uint32_t)
KIN_ATOMIC(64, uint64_t)
}

#endif
