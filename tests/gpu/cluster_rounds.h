// Two blocks of a cluster, each loading half of what both need: what kernels/simt has for clusters in use. With the faults that are easily made.
#pragma once
#include "kernels/simt/cluster_sync.h"
#include "kernels/simt/mbarrier.h"
#include "kernels/simt/tma.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

enum class ClusterFault { none, begins_before_the_other, ends_before_the_other, overwrites_the_others };

struct ClusterRounds {
  static constexpr int kThreads = 64, kHalf = 32, kStages = 2;  // one float per thread and round
  /// in: [rounds][2][kHalf].
  static TensorMap map(const float* in, int rounds) {
    BoxShape s;
    s.rank = 3;
    s.sizes[0] = s.box[0] = kHalf;
    s.sizes[1] = 2;
    s.sizes[2] = uint64_t(rounds);
    s.pitch[0] = kHalf * sizeof(float);
    s.pitch[1] = 2 * s.pitch[0];
    s.box[1] = s.box[2] = 1;
    return make_tensor_map(in, DType::f32, s, Swizzle::none);
  }
};

/// out[rank][t] = sum over rounds r of (r + 1 + rank) in[r][t].
template <ClusterFault kFault>
__global__ void __launch_bounds__(ClusterRounds::kThreads) cluster_rounds(const __grid_constant__ TensorMap in, float* out, int rounds) {
  using R = ClusterRounds;
  constexpr bool kForgetful = kFault == ClusterFault::overwrites_the_others;
  KIN_DYNAMIC_SHARED(float, tiles);
  KIN_SHARED(MBarrier, full, [R::kStages]);
  KIN_SHARED(MBarrier, empty, [R::kStages]);
  const int t = int(threadIdx.x), rank = int(cluster_rank());
  if (t == 0) {
    for (int s = 0; s < R::kStages; ++s) {
      mbarrier_init(&full[s], 1);
      mbarrier_init(&empty[s], kForgetful ? 2 : 4);  // the warps of both blocks
    }
    mbarrier_fence_init();
  }
  __syncthreads();
  if constexpr (kFault != ClusterFault::begins_before_the_other) cluster_sync();
  float sum = 0;
  for (int r = 0; r < rounds; ++r) {
    const int s = r % R::kStages;
    if (t == 0) {
      mbarrier_wait(&empty[s], unsigned(r / R::kStages + 1) & 1);
      mbarrier_arrive_expect(&full[s], R::kThreads * sizeof(float));
      tma_load_multicast(tiles + s * R::kThreads + rank * R::kHalf, in, &full[s], 3u, 0, rank, r);
    }
    __syncwarp();
    mbarrier_wait(&full[s], unsigned(r / R::kStages) & 1);
    sum += float(r + 1 + rank) * tiles[s * R::kThreads + t];
    __syncwarp();
    if (t % 32 == 0)
      for (unsigned block = 0; block < 2; ++block)
        if (!kForgetful || int(block) == rank) mbarrier_arrive_at(&empty[s], block);
  }
  if constexpr (kFault != ClusterFault::ends_before_the_other) cluster_sync();
  out[rank * R::kThreads + t] = sum;
}

template <ClusterFault kFault>
void run_cluster_rounds(const float* in, float* out, int rounds, void* stream) {
  using R = ClusterRounds;
  launch({2, R::kThreads, R::kStages * R::kThreads * sizeof(float), stream, 2}, cluster_rounds<kFault>, R::map(in, rounds), out, rounds);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
