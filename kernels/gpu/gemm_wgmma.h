// Rung 6, "wgmma": Hopper's tensor cores, fed by the copy engine; warp-specialised and persistent. bf16, sums in f32; sm_90a.
//
// FLOPs 2 m n k at 790 TFLOP/s (H200, measured rate of a large product). A block makes 128 x kN outputs: two warpgroups of 64 x kN, whose
// instructions read A and B from shared memory themselves. 64 x 128 x 16 products take 64 clocks of a multiprocessor's tensor
// cores and read 6 KB, 48 clocks of its shared memory; with kN = 256, 128 clocks and 10 KB, 80 clocks. Loads cost one thread an instruction per
// tile: TMA computes the addresses, swizzles, and writes zeros for what lies outside, which is a convolution's padding. A third
// warpgroup does nothing else, so loads for the next tile run during the epilogue of this one. Prediction: limited by the tensor
// cores where tiles fill the chip (a multiple of 132 blocks), else by the last wave of blocks. Missing against the fastest known kernels: multicast to
// clusters, stores by TMA, and an epilogue that overlaps with the next tile's products. Measured: not run on a GPU.
//
// A problem type P has, all const and cheap to copy:
//   kColumns                                    kN
//   kMajorA, kMajorB                            how its tiles lie
//   tiles(), place(tile) -> {batch, row, column, begin, end, ...}      the range of steps of 64 depths
//   load(place, step, a, b, barrier)            the TMA loads of one step
//   store(place, row, column, v0, v1)           two neighbours of the tile's result
// and may have
//   review(place, thread)                       a look back at a tile that has been stored, by the three warps beside the one that loads
// which runs beside the next tile's products and costs the multipliers an arrival per tile, as long as it takes no longer than they do.
#pragma once
#include "kernels/gpu/gemm_operands.h"
#include "kernels/simt/mbarrier.h"
#include "kernels/simt/tma.h"
#include "kernels/simt/wgmma.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

struct WgmmaTile {
  static constexpr int kRows = 128, kDepth = 64, kStages = 4, kThreads = 384;
  static constexpr int kSpan = 64;                // elements of a swizzled row: 128 bytes
  static constexpr int kBox = kSpan * kSpan;      // elements of a 64 x 64 box
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
  using Tile = WgmmaTile;
  const bf16* at = tile + row * Tile::kSpan + (kMajor == Major::k ? q * 16 : q * 16 * Tile::kSpan);
  return describe_tile(at, Tile::kBox * 2, 8 * Tile::kSpan * 2, Swizzle::b128);
}

template <class P>
__global__ void __launch_bounds__(WgmmaTile::kThreads, 1) gemm_wgmma(const __grid_constant__ P product) {
  using Tile = WgmmaTile;
  constexpr int kColumns = P::kColumns, kElementsA = Tile::kRows * Tile::kDepth, kElementsB = kColumns * Tile::kDepth;
  KIN_DYNAMIC_SHARED(bf16, shared);  // A tiles, then B tiles
  KIN_SHARED(MBarrier, full, [Tile::kStages]);
  KIN_SHARED(MBarrier, empty, [Tile::kStages]);
  KIN_SHARED(MBarrier, stored);     // a tile, by the warps that multiply
  KIN_SHARED(MBarrier, reviewing);  // has begun, by the warps that look back: no more than one tile behind
  constexpr bool kReviews = ReviewsTiles<P>;
  bf16 *a_tiles = shared, *b_tiles = shared + Tile::kStages * kElementsA;
  const int t = int(threadIdx.x), group = t / 128;
  if (t == 0) {
    for (int s = 0; s < Tile::kStages; ++s) {
      mbarrier_init(&full[s], 1);
      mbarrier_init(&empty[s], 8);  // the warps that multiply
    }
    if constexpr (kReviews) {
      mbarrier_init(&stored, 8);
      mbarrier_init(&reviewing, kWgmmaReviewers / 32);
    }
    mbarrier_fence_init();
  }
  __syncthreads();

  if (group == 2) {
    fewer_registers<kReviews ? 72 : 40>();
    if constexpr (kReviews) {
      if (t % 128 >= 32) {
        int tiles = 0;
        for (int tile = int(blockIdx.x); tile < product.tiles(); tile += int(gridDim.x), ++tiles) {
          mbarrier_wait(&stored, unsigned(tiles) & 1);
          __syncwarp();
          if (t % 32 == 0) mbarrier_arrive(&reviewing);
          product.review(product.place(tile), t % 128 - 32);
        }
        return;
      }
    }
    if (t % 128 != 0) return;
    int loads = 0;
    for (int tile = int(blockIdx.x); tile < product.tiles(); tile += int(gridDim.x)) {
      const auto place = product.place(tile);
      for (int step = place.begin; step < place.end; ++step, ++loads) {
        const int s = loads % Tile::kStages;
        mbarrier_wait(&empty[s], unsigned(loads / Tile::kStages + 1) & 1);
        mbarrier_arrive_expect(&full[s], (kElementsA + kElementsB) * 2);
        product.load(place, step, a_tiles + s * kElementsA, b_tiles + s * kElementsB, &full[s]);
      }
    }
    return;
  }

  more_registers<kReviews ? 216 : 232>();
  const auto release = [&](int use) {  // this warp is done with the tiles of that use
    __syncwarp();
    if (t % 32 == 0) mbarrier_arrive(&empty[use % Tile::kStages]);
  };
  int uses = 0, tiles = 0;
  for (int tile = int(blockIdx.x); tile < product.tiles(); tile += int(gridDim.x), ++tiles) {
    const auto place = product.place(tile);
    float sums[kColumns / 2];
#pragma unroll
    for (int i = 0; i < kColumns / 2; ++i) sums[i] = 0;
    for (int step = place.begin; step < place.end; ++step, ++uses) {
      const int s = uses % Tile::kStages;
      mbarrier_wait(&full[s], unsigned(uses / Tile::kStages) & 1);
      wgmma_fence();
#pragma unroll
      for (int q = 0; q < Tile::kDepth / 16; ++q)
        wgmma_bf16<kColumns, P::kMajorA, P::kMajorB>(sums, describe_step<P::kMajorA>(a_tiles + s * kElementsA, group * 64, q),
                                                     describe_step<P::kMajorB>(b_tiles + s * kElementsB, 0, q));
      wgmma_commit();
      wgmma_wait<1>(sums);  // the products of the step before have landed; this step's go on
      if (step > place.begin) release(uses - 1);
    }
    wgmma_wait<0>(sums);
    if (place.end > place.begin) release(uses - 1);

    const int row = group * 64 + t % 128 / 32 * 16 + t % 32 / 4, column = t % 4 * 2;
#pragma unroll
    for (int j = 0; j < kColumns / 8; ++j)
#pragma unroll
      for (int half = 0; half < 2; ++half)
        product.store(place, row + 8 * half, column + 8 * j, sums[4 * j + 2 * half], sums[4 * j + 2 * half + 1]);
    if constexpr (kReviews) {
      mbarrier_wait(&reviewing, unsigned(tiles + 1) & 1);  // of the tile before
      __syncwarp();
      if (t % 32 == 0) mbarrier_arrive(&stored);
    }
  }
}

template <class P>
void launch_wgmma(const Context& context, const P& p) {
  using Tile = WgmmaTile;
  const int tiles = p.tiles(), most = tiles < kPersistentBlocks ? tiles : kPersistentBlocks;
  if (tiles == 0) return;
  const int waves = (tiles + most - 1) / most;  // as few blocks as finish in the same number of rounds
  launch({blocks_for(tiles, waves), Tile::kThreads, size_t(Tile::kStages) * (Tile::kRows + P::kColumns) * Tile::kDepth * sizeof(bf16), context.stream},
         gemm_wgmma<P>, p);
}

/// Calls f.template operator()<kN>() with the columns of a tile that suit n columns.
template <class F>
void visit_wgmma_columns(int64_t n, F&& f) {
  if (n <= 64) f.template operator()<64>();
  else if (n <= 128) f.template operator()<128>();
  else f.template operator()<256>();
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
