// cp.async (sm_80): copies from global to shared memory that pass by the registers and land some time before the wait that asks for
// them. The twin lands them late, early or at random, as the schedule has it: reading before the wait gives NaN or old data, and
// refilling a buffer that others still read gives new data too soon.
#pragma once
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// Copies kBytes (4, 8 or 16; both sides aligned to it). Where not `valid`, zeros are written and `from` is not read.
#ifdef __CUDACC__
template <int kBytes>
__device__ __forceinline__ void cp_async(void* to, const void* from, bool valid = true) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const unsigned address = unsigned(__cvta_generic_to_shared(to));
  const int bytes = valid ? kBytes : 0;
  if constexpr (kBytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(from), "n"(kBytes), "r"(bytes) : "memory");
#endif
}
/// Closes the group of the copies issued since the last call.
__device__ __forceinline__ void cp_async_commit() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
/// Waits until all but the newest kNewest groups of this thread have landed. Other threads see them after a barrier.
template <int kNewest>
__device__ __forceinline__ void cp_async_wait() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kNewest) : "memory");
#endif
}
#else
template <int kBytes>
void cp_async(void* to, const void* from, bool valid = true, const Site& site = Site::current()) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
  simt::shared_address(to, "cp_async", site);
  check_aligned(to, kBytes, "cp_async", site);
  if (valid) check_aligned(from, kBytes, "cp_async", site);
  static constexpr unsigned char kZeros[kBytes] = {};
  simt::async_issue(simt::AsyncQueue::copies, [to, source = valid ? from : kZeros] {
    std::memcpy(to, source, kBytes);  // and no memset, whose store a watched build would not see
  });
}
inline void cp_async_commit() { simt::async_commit(simt::AsyncQueue::copies); }
template <int kNewest>
void cp_async_wait() { simt::async_wait(simt::AsyncQueue::copies, kNewest); }
#endif

}  // namespace kintsugi::KIN_GPU_NAMESPACE
