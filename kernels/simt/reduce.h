// Sums and maxima over a warp and over a block, in a fixed order: the same bits on every run. f32 or any type a shuffle moves.
#pragma once
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

inline constexpr unsigned kAllLanes = 0xffffffffu;

struct Sum {
  template <class T> __device__ T operator()(T a, T b) const { return a + b; }
};
struct Max {
  template <class T> __device__ T operator()(T a, T b) const { return a < b ? b : a; }
};

/// The combination of v over the lanes of a warp, in every lane. All 32 lanes must take part.
template <class Op, class T>
__device__ __forceinline__ T warp_reduce(T v, Op op = {}) {
  for (int lanes = 16; lanes > 0; lanes >>= 1) v = op(v, __shfl_xor_sync(kAllLanes, v, lanes));
  return v;
}
template <class T> __device__ __forceinline__ T warp_sum(T v) { return warp_reduce<Sum>(v); }
template <class T> __device__ __forceinline__ T warp_max(T v) { return warp_reduce<Max>(v); }

/// The combination over a block of kThreads (a multiple of 32, one-dimensional), in every thread. `identity` changes nothing
/// (0 for a sum). Every thread must take part; calls may follow each other.
template <int kThreads, class Op, class T>
__device__ __forceinline__ T block_reduce(T v, T identity, Op op = {}) {
  static_assert(kThreads % 32 == 0 && kThreads <= 1024);
  v = warp_reduce(v, op);
  if constexpr (kThreads == 32) return v;
  KIN_SHARED(T, per_warp, [kThreads / 32]);
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  if (lane == 0) per_warp[warp] = v;
  __syncthreads();
  v = lane < kThreads / 32 ? per_warp[lane] : identity;
  v = warp_reduce(v, op);
  __syncthreads();  // nobody may write per_warp for the next call before all have read it
  return v;
}
template <int kThreads, class T> __device__ __forceinline__ T block_sum(T v) { return block_reduce<kThreads, Sum>(v, T(0)); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
