// Rungs 6 and 7, "wgmma" and "cluster": Hopper's tensor cores, fed by the copy engine; warp-specialised and persistent. bf16, sums in f32; sm_90a.
//
// FLOPs 2 m n k at 790 TFLOP/s (H200, measured rate of a large product). A block makes 128 x kN outputs: two warpgroups of 64 x kN, whose
// instructions read A and B from shared memory themselves. 64 x 128 x 16 products take 64 clocks of a multiprocessor's tensor
// cores and read 6 KB, 48 clocks of its shared memory; with kN = 256, 128 clocks and 10 KB, 80 clocks. Loads cost one thread an instruction per
// tile: TMA computes the addresses, swizzles, and writes zeros for what lies outside, which is a convolution's padding. A third
// warpgroup does nothing else, so loads for the next tile run during the epilogue of this one.
//
// What a block loads per product is its perimeter over its area, and all blocks load from one L2, about 5.5 TB/s (H100, est.). A step of 64 depths takes
// 0.70 us per 256 x 128 outputs at the rate above. 128 x 128 tiles load 32 KB in 0.35 us, 12 TB/s over 132 blocks: the L2 would hold them to half the
// rate. "cluster" has twice the outputs per block, and two blocks with the same columns load half of B each for both (multicast): 40 KB in 0.70 us, 7.5 TB/s;
// for 64 columns 36 KB in 0.35 us (13.5, from 18), for 256 32 KB in 0.70 us (6, from 9). Prediction: for 128 columns 1.6 times the rate of "wgmma" where tiles
// fill the chip several times over, less where there are few. Missing against the fastest known kernels: windows of a convolution read from one
// box instead of a box per tap, stores by TMA, and an epilogue that overlaps with the next tile's products. Measured: not run on a GPU.
//
// A problem type P has, all const and cheap to copy:
//   Tile                                        its WgmmaTile
//   kMajorA, kMajorB                            how its tiles lie
//   tiles(), place(tile) -> {batch, row, column, begin, end, ...}      the range of steps of 64 depths. In a cluster a tile is one of each block, and
//                                               place() that of this block; their ranges are the same
//   load(place, step, a, b, barrier)            the TMA loads of one step; of B in a cluster this block's share, for all
//   store(place, row, column, v0, v1)           two neighbours of the tile's result
// and may have
//   review(place, thread)                       a look back at a tile that has been stored, by the three warps beside the one that loads
// which runs beside the next tile's products and costs the multipliers an arrival per tile, as long as it takes no longer than they do.
#pragma once
#include "kernels/gpu/gemm_operands.h"
#include "kernels/simt/cluster_sync.h"
#include "kernels/simt/mbarrier.h"
#include "kernels/simt/tma.h"
#include "kernels/simt/wgmma.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// What all tiles have in common.
struct WgmmaStep {
  static constexpr int kDepth = 64, kStages = 4, kThreads = 384;
  static constexpr int kSpan = 64;                // elements of a swizzled row: 128 bytes
  static constexpr int kBox = kSpan * kSpan;      // elements of a 64 x 64 box
};
/// kTileRows x kTileColumns outputs of a block, and how many blocks with the same columns share their loads of B.
template <int kTileRows, int kTileColumns, int kClusterBlocks = 1>
struct WgmmaTile : WgmmaStep {
  static constexpr int kRows = kTileRows, kColumns = kTileColumns, kBlocks = kClusterBlocks;
  static constexpr int kElementsA = kRows * kDepth, kElementsB = kColumns * kDepth;  // of one step
  static constexpr size_t kBytes = size_t(kStages) * (kElementsA + kElementsB) * sizeof(bf16);
};

inline constexpr int kWgmmaReviewers = 96;  // threads; their warpgroup then keeps 72 registers and the multipliers get 216
template <class P>
concept ReviewsTiles = requires(const P& p, const typename P::Place& place) { p.review(place, 0); };

/// Blocks of a persistent launch: the multiprocessors of an H100 or H200. Few under the emulator, so that tests see blocks with several tiles.
#ifdef __CUDACC__
inline constexpr int kPersistentBlocks = 132;
#else
inline constexpr int kPersistentBlocks = 2;
#endif

/// The descriptor of 16 depths, the q-th of a tile, from row `row` (a multiple of 64) on.
template <Major kMajor>
__device__ __forceinline__ TileDescriptor describe_step(const bf16* tile, int row, int q) {
  using Step = WgmmaStep;
  const bf16* at = tile + row * Step::kSpan + (kMajor == Major::k ? q * 16 : q * 16 * Step::kSpan);
  return describe_tile(at, Step::kBox * 2, 8 * Step::kSpan * 2, Swizzle::b128);
}

/// Loads a box for every block of the cluster.
template <class Tile, class... At>
__device__ __forceinline__ void load_for_cluster(bf16* to, const TensorMap& map, MBarrier* barrier, At... at) {
  if constexpr (Tile::kBlocks == 1) tma_load(to, map, barrier, at...);
  else tma_load_multicast(to, map, barrier, (1u << Tile::kBlocks) - 1, at...);
}

/// The stages of a block and what tells who may use them.
struct WgmmaPipeline {
  bf16 *a, *b;             // tiles of each stage
  MBarrier *full, *empty;  // per stage
  MBarrier *stored;        // a tile, by the warps that multiply
  MBarrier *reviewing;     // has begun, by the warps that look back: no more than one tile behind
};

template <class P, class F>
__device__ __forceinline__ void for_each_wgmma_tile(const P& product, F&& f) {
  constexpr int kBlocks = P::Tile::kBlocks;
  int i = 0;
  for (int tile = int(blockIdx.x) / kBlocks; tile < product.tiles(); tile += int(gridDim.x) / kBlocks, ++i) f(product.place(tile), i);
}

/// By one thread.
template <class P>
__device__ __forceinline__ void load_wgmma_tiles(const P& product, const WgmmaPipeline& p) {
  using Tile = typename P::Tile;
  int loads = 0;
  for_each_wgmma_tile(product, [&](const auto& place, int) {
    for (int step = place.begin; step < place.end; ++step, ++loads) {
      const int s = loads % Tile::kStages;
      mbarrier_wait(&p.empty[s], unsigned(loads / Tile::kStages + 1) & 1);
      mbarrier_arrive_expect(&p.full[s], (Tile::kElementsA + Tile::kElementsB) * sizeof(bf16));
      product.load(place, step, p.a + s * Tile::kElementsA, p.b + s * Tile::kElementsB, &p.full[s]);
    }
  });
}

/// By three warps; t counts their threads.
template <class P>
__device__ __forceinline__ void review_wgmma_tiles(const P& product, const WgmmaPipeline& p, int t) {
  for_each_wgmma_tile(product, [&](const auto& place, int i) {
    mbarrier_wait(p.stored, unsigned(i) & 1);
    __syncwarp();
    if (t % 32 == 0) mbarrier_arrive(p.reviewing);
    product.review(place, t);
  });
}

/// By two warpgroups; t counts their threads.
template <class P>
__device__ __forceinline__ void multiply_wgmma_tiles(const P& product, const WgmmaPipeline& p, int t) {
  using Tile = typename P::Tile;
  constexpr int kColumns = Tile::kColumns, kParts = Tile::kRows / 128;  // products of 64 rows per warpgroup
  const int group = t / 128;
  const auto release = [&](int use) {  // this warp is done with the tiles of that use: they may be loaded over, here and by the others of the cluster
    MBarrier* empty = &p.empty[use % Tile::kStages];
    __syncwarp();
    if constexpr (Tile::kBlocks == 1) {
      if (t % 32 == 0) mbarrier_arrive(empty);
    } else {
      if (t % 32 < Tile::kBlocks) mbarrier_arrive_at(empty, unsigned(t % 32));
    }
  };
  int uses = 0;
  for_each_wgmma_tile(product, [&](const auto& place, int tile) {
    float sums[kParts][kColumns / 2];
#pragma unroll
    for (int m = 0; m < kParts; ++m)
#pragma unroll
      for (int i = 0; i < kColumns / 2; ++i) sums[m][i] = 0;
    const auto row_of = [&](int m) { return (m * 2 + group) * 64; };
    for (int step = place.begin; step < place.end; ++step, ++uses) {
      const int s = uses % Tile::kStages;
      mbarrier_wait(&p.full[s], unsigned(uses / Tile::kStages) & 1);
      wgmma_fence();
#pragma unroll
      for (int q = 0; q < Tile::kDepth / 16; ++q)
#pragma unroll
        for (int m = 0; m < kParts; ++m)
          wgmma_bf16<kColumns, P::kMajorA, P::kMajorB>(sums[m], describe_step<P::kMajorA>(p.a + s * Tile::kElementsA, row_of(m), q),
                                                       describe_step<P::kMajorB>(p.b + s * Tile::kElementsB, 0, q));
      wgmma_commit();
#pragma unroll
      for (int m = 0; m < kParts; ++m) wgmma_wait<1>(sums[m]);  // the products of the step before have landed; this step's go on
      if (step > place.begin) release(uses - 1);
    }
#pragma unroll
    for (int m = 0; m < kParts; ++m) wgmma_wait<0>(sums[m]);
    if (place.end > place.begin) release(uses - 1);

    const int row = t % 128 / 32 * 16 + t % 32 / 4, column = t % 4 * 2;
#pragma unroll
    for (int m = 0; m < kParts; ++m)
#pragma unroll
      for (int j = 0; j < kColumns / 8; ++j)
#pragma unroll
        for (int half = 0; half < 2; ++half)
          product.store(place, row_of(m) + row + 8 * half, column + 8 * j, sums[m][4 * j + 2 * half], sums[m][4 * j + 2 * half + 1]);
    if constexpr (ReviewsTiles<P>) {
      mbarrier_wait(p.reviewing, unsigned(tile + 1) & 1);  // of the tile before
      __syncwarp();
      if (t % 32 == 0) mbarrier_arrive(p.stored);
    }
  });
}

// On other GPUs the rows refuse, and what they would run need not be compiled; then nobody asks a problem for its tiles.
#if defined(__CUDA_ARCH__) && !defined(KIN_WGMMA)
#define KIN_WITHOUT_WGMMA 1
#pragma nv_diag_suppress 177  // declared but never referenced
#endif

template <class P>
__global__ void __launch_bounds__(WgmmaStep::kThreads, 1) gemm_wgmma(const __grid_constant__ P product) {
#ifndef KIN_WITHOUT_WGMMA
  using Tile = typename P::Tile;
  constexpr bool kReviews = ReviewsTiles<P>;
  KIN_DYNAMIC_SHARED(bf16, tiles);
  KIN_SHARED(MBarrier, full, [Tile::kStages]);
  KIN_SHARED(MBarrier, empty, [Tile::kStages]);
  KIN_SHARED(MBarrier, stored);
  KIN_SHARED(MBarrier, reviewing);
  const WgmmaPipeline pipeline{tiles, tiles + Tile::kStages * Tile::kElementsA, full, empty, &stored, &reviewing};
  const int t = int(threadIdx.x);
  if (t == 0) {
    for (int s = 0; s < Tile::kStages; ++s) {
      mbarrier_init(&full[s], 1);
      mbarrier_init(&empty[s], 8 * Tile::kBlocks);  // the warps that multiply
    }
    if constexpr (kReviews) {
      mbarrier_init(&stored, 8);
      mbarrier_init(&reviewing, kWgmmaReviewers / 32);
    }
    mbarrier_fence_init();
  }
  if constexpr (Tile::kBlocks > 1) cluster_sync();  // the others' barriers are ready as well
  else __syncthreads();

  if (t < 256) {
    more_registers<kReviews ? 216 : 232>();
    multiply_wgmma_tiles(product, pipeline, t);
  } else {
    fewer_registers<kReviews ? 72 : 40>();
    if (t == 256) load_wgmma_tiles(product, pipeline);
    else if (t < 288) return;
    if constexpr (kReviews) {
      if (t >= 288) review_wgmma_tiles(product, pipeline, t - 288);
    }
  }
  if constexpr (Tile::kBlocks > 1) cluster_sync();  // nobody loads into this block or arrives here any more
#endif
}

template <class P>
void launch_wgmma(const Context& context, const P& p) {
  using Tile = typename P::Tile;
  constexpr int kMost = kPersistentBlocks / Tile::kBlocks;
  const int tiles = p.tiles(), most = tiles < kMost ? tiles : kMost;
  if (tiles == 0) return;
  const int waves = (tiles + most - 1) / most;  // as few blocks as finish in the same number of rounds
  launch({blocks_for(tiles, waves) * Tile::kBlocks, Tile::kThreads, Tile::kBytes, context.stream, Tile::kBlocks}, gemm_wgmma<P>, p);
}

/// Calls f.template operator()<Tile>() with the tile that suits n columns. Tiles of a cluster have twice the rows where registers allow it.
template <int kBlocks, class F>
void visit_wgmma_tiles(int64_t n, F&& f) {
  constexpr int kTall = kBlocks > 1 ? 256 : 128;
  if (n <= 64) f.template operator()<WgmmaTile<kTall, 64, kBlocks>>();
  else if (n <= 128) f.template operator()<WgmmaTile<kTall, 128, kBlocks>>();
  else f.template operator()<WgmmaTile<128, 256, kBlocks>>();
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
