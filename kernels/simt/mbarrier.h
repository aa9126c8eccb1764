// mbarrier (sm_90): a barrier in shared memory whose phase ends when the expected arrivals have come and the announced bytes have
// landed. Phases alternate between parity 0 (the first) and 1.
#pragma once
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// Lives in shared memory: KIN_SHARED(MBarrier, full, [4]);
struct alignas(8) MBarrier {
  uint64_t bits;
};

#ifdef __CUDACC__

__device__ __forceinline__ unsigned shared_address(const void* p) { return unsigned(__cvta_generic_to_shared(p)); }

/// By one thread, before mbarrier_fence_init and a __syncthreads: each phase expects `arrivals`.
__device__ __forceinline__ void mbarrier_init(MBarrier* b, unsigned arrivals) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_address(b)), "r"(arrivals) : "memory");
}
/// Makes the initialisation visible to the copy engine.
__device__ __forceinline__ void mbarrier_fence_init() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}
__device__ __forceinline__ void mbarrier_arrive(MBarrier* b) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared.b64 state, [%0];\n}" ::"r"(shared_address(b)) : "memory");
#endif
}
/// Arrives, and announces `bytes` that will land in this phase.
__device__ __forceinline__ void mbarrier_arrive_expect(MBarrier* b, unsigned bytes) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.expect_tx.shared.b64 state, [%0], %1;\n}" ::"r"(shared_address(b)), "r"(bytes) : "memory");
#endif
}
/// Arrives at the barrier that stands in the same place in block `rank` of the cluster (kernels/simt/cluster_sync.h).
__device__ __forceinline__ void mbarrier_arrive_at(MBarrier* b, unsigned rank) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %0, %1;\nmbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];\n}"
               ::"r"(shared_address(b)), "r"(rank) : "memory");
#endif
}
/// Waits until the phase of this parity has ended. Parity 1 of a new barrier counts as ended.
__device__ __forceinline__ void mbarrier_wait(MBarrier* b, unsigned parity) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  unsigned done = 0;
  while (!done)
    asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
                 : "=r"(done) : "r"(shared_address(b)), "r"(parity) : "memory");
#endif
}
/// Ordinary stores to shared memory so far become visible to TMA and wgmma: by each writing thread, before the barrier.
__device__ __forceinline__ void fence_proxy_async() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

#else

namespace detail {
// The bits of an emulated MBarrier. Bytes may land before they are announced, so `bytes` can be negative for a while.
struct MBarrierState {
  static constexpr int kMost = (1 << 20) - 1;
  uint64_t parity : 1, expected : 20, pending : 20;
  int64_t bytes : 23;

  // Its accesses are the synchronisation, not to be watched as races.
  KIN_SIM_UNWATCHED static MBarrierState of(const MBarrier* b, const char* name, const Site& site) {
    const auto s = std::bit_cast<MBarrierState>(b->bits);
    if (b->bits == ~uint64_t(0)) simt::fault(site, text(name, ": the mbarrier was not initialised"));
    return s;
  }
  KIN_SIM_UNWATCHED void put(MBarrier* b) {
    if (pending == 0 && bytes == 0) {
      parity ^= 1;
      pending = expected;
    }
    b->bits = std::bit_cast<uint64_t>(*this);
  }
};
static_assert(sizeof(MBarrierState) == 8);
}  // namespace detail

inline void mbarrier_init(MBarrier* b, unsigned arrivals, const Site& site = Site::current()) {
  simt::shared_address(b, "mbarrier_init", site);
  if (arrivals < 1 || arrivals > unsigned(detail::MBarrierState::kMost)) simt::fault(site, text("mbarrier_init: arrivals must be 1 to ", detail::MBarrierState::kMost, ", got ", arrivals));
  detail::MBarrierState{0, arrivals, arrivals, 0}.put(b);
}
inline void mbarrier_fence_init() {}
inline void mbarrier_arrive_expect(MBarrier* b, unsigned bytes, const Site& site = Site::current()) {
  auto s = detail::MBarrierState::of(b, "mbarrier_arrive", site);
  if (s.pending == 0) simt::fault(site, text("mbarrier_arrive: more arrivals than the ", unsigned(s.expected), " of this phase"));
  s.bytes += int(bytes);
  --s.pending;
  s.put(b);
  simt::sync_arrived(b);
}
inline void mbarrier_arrive(MBarrier* b, const Site& site = Site::current()) { mbarrier_arrive_expect(b, 0, site); }
/// `bytes` have landed: the copy engine's part.
inline void mbarrier_landed(MBarrier* b, unsigned bytes, const Site& site) {
  auto s = detail::MBarrierState::of(b, "mbarrier", site);
  s.bytes -= int(bytes);
  s.put(b);
}
inline void mbarrier_arrive_at(MBarrier* b, unsigned rank, const Site& site = Site::current()) {
  if (rank == simt::cluster_rank()) return mbarrier_arrive(b, site);
  const uint32_t at = simt::shared_address(b, "mbarrier_arrive_at", site);
  simt::in_cluster_block(rank, at, "mbarrier_arrive_at", site, [&] {
    auto* there = reinterpret_cast<MBarrier*>(simt::shared_pointer(at));
    auto s = detail::MBarrierState::of(there, "mbarrier_arrive_at", site);
    if (s.pending == 0) simt::fault(site, text("mbarrier_arrive_at: more arrivals than the ", unsigned(s.expected), " of this phase"));
    --s.pending;
    s.put(there);
  });
}
inline void mbarrier_wait(MBarrier* b, unsigned parity, const Site& site = Site::current()) {
  detail::MBarrierState::of(b, "mbarrier_wait", site);
  struct Awaited {
    const MBarrier* barrier;
    unsigned parity;
  } awaited{b, parity};
  const auto ended = [](const void* p) KIN_SIM_UNWATCHED {
    const auto* a = static_cast<const Awaited*>(p);
    return std::bit_cast<detail::MBarrierState>(a->barrier->bits).parity != a->parity;
  };
  simt::wait_until(ended, &awaited, "mbarrier_wait", site);
  simt::sync_passed(b);
}
inline void fence_proxy_async() {}

#endif

}  // namespace kintsugi::KIN_GPU_NAMESPACE
