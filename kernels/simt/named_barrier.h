// Barriers of a part of the block, for kernels whose warps have different roles. Barrier 0 is __syncthreads'.
#pragma once
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

#ifdef __CUDACC__
/// Waits until `threads` threads (a multiple of 32) have come to barrier `id` (1..15), those that only arrive included.
__device__ __forceinline__ void named_barrier_sync(int id, int threads) { asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory"); }
/// Comes to the barrier without waiting.
__device__ __forceinline__ void named_barrier_arrive(int id, int threads) { asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory"); }
#else
inline void named_barrier_sync(int id, int threads, const Site& site = Site::current()) {
  simt::barrier(id, unsigned(threads), 0, "named_barrier_sync", site);
}
inline void named_barrier_arrive(int id, int threads, const Site& site = Site::current()) {
  simt::barrier_arrive(id, unsigned(threads), "named_barrier_arrive", site);
}
#endif

}  // namespace kintsugi::KIN_GPU_NAMESPACE
