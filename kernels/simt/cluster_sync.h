// Clusters (sm_90): blocks that run at the same time on neighbouring multiprocessors and may reach each other's shared memory. A launch says how many
// neighbours along x are one (Launch::cluster). What one may do there: arrive at an mbarrier (mbarrier_arrive_at) and load the same box for several
// (tma_load_multicast). A block must not end before the others have done with its shared memory.
#pragma once
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

#ifdef __CUDACC__

/// The number of this block within its cluster.
__device__ __forceinline__ unsigned cluster_rank() {
  unsigned rank = 0;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return rank;
}
/// The barrier of all threads of the cluster that have not exited, in two halves.
__device__ __forceinline__ void cluster_arrive() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
#endif
}
__device__ __forceinline__ void cluster_wait() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
#endif
}
__device__ __forceinline__ void cluster_sync() {
  cluster_arrive();
  cluster_wait();
}

#else

using simt::cluster_rank;
inline void cluster_arrive(const Site& site = Site::current()) { simt::cluster_arrive(site); }
inline void cluster_wait(const Site& site = Site::current()) { simt::cluster_wait(site); }
inline void cluster_sync(const Site& site = Site::current()) {
  simt::cluster_arrive(site);
  simt::cluster_wait(site);
}

#endif

}  // namespace kintsugi::KIN_GPU_NAMESPACE
