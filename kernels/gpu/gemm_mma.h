// Rung 5, "mma": the tensor cores of sm_80 and later, one warp at a time. bf16, or f32 rounded to tf32 ("tf32"); sums in f32.
//
// FLOPs 2 m n k, at 790 TFLOP/s (bf16) or 395 (tf32) on an H200. Blocks of 128 x 64 outputs as before, so 43 FLOP per element read; at
// two bytes per element that asks 37 TB/s of L2 at full rate. A warp makes 64 x 32 outputs: 16 of its 16 x 8 x 16 products (65,536 FLOP, 16
// clocks of a multiprocessor's tensor cores) read 3,072 bytes of fragments from shared memory, 24 clocks. Prediction: limited by L2 and by
// shared memory, well below two thirds of the rate; larger tiles meet the register file. The next rung's instructions read their operands
// straight from shared memory, for four warps at once. Measured: not run on a GPU.
#pragma once
#include "kernels/gpu/gemm_pipelined.h"
#include "kernels/simt/ldmatrix.h"
#include "kernels/simt/mma.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// 2 x 2 warps of 64 x 32 outputs; lines along the depth are 64 bytes.
template <class T>
struct MmaTile {
  static constexpr int kRows = 128, kColumns = 64, kDepth = 64 / int(sizeof(T)), kThreads = 128;
  static constexpr int kWarpRows = 64, kWarpColumns = 32, kWarpsDown = 2;
  static constexpr int kStages = 4;
  static constexpr int kMmaDepth = 32 / int(sizeof(T));  // of one instruction: 16, or 8 for tf32
};

// The fragments of 16 rows and of 16 columns (two instructions' worth), for the instruction that begins at `depth`.
template <class Layout, bool kDepthInner>
__device__ __forceinline__ void load_rows(const bf16* tile, int row, int depth, uint32_t (&r)[4]) {
  const int lane = int(threadIdx.x) % 32, matrix = lane / 8, line = lane % 8;
  if constexpr (kDepthInner) ldmatrix<4>(r, tile + Layout::at(row + matrix % 2 * 8 + line, depth + matrix / 2 * 8));
  else ldmatrix<4, true>(r, tile + Layout::at(row + matrix % 2 * 8, depth + matrix / 2 * 8 + line));
}
template <class Layout, bool kDepthInner>
__device__ __forceinline__ void load_columns(const bf16* tile, int column, int depth, uint32_t (&r)[4]) {
  const int lane = int(threadIdx.x) % 32, matrix = lane / 8, line = lane % 8;
  if constexpr (kDepthInner) ldmatrix<4>(r, tile + Layout::at(column + matrix / 2 * 8 + line, depth + matrix % 2 * 8));
  else ldmatrix<4, true>(r, tile + Layout::at(column + matrix / 2 * 8, depth + matrix % 2 * 8 + line));
}
template <class Layout, bool kDepthInner>
__device__ __forceinline__ void load_rows(const float* tile, int row, int depth, uint32_t (&r)[4]) {
  const int lane = int(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
#pragma unroll
  for (int i = 0; i < 4; ++i) r[i] = to_tf32(tile[Layout::at(row + g + i % 2 * 8, depth + t + i / 2 * 4)]);
}
template <class Layout, bool kDepthInner>
__device__ __forceinline__ void load_columns(const float* tile, int column, int depth, uint32_t (&r)[4]) {
  const int lane = int(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
#pragma unroll
  for (int i = 0; i < 4; ++i) r[i] = to_tf32(tile[Layout::at(column + g + i / 2 * 8, depth + t + i % 2 * 4)]);
}

template <class P, int kVector>
__global__ void __launch_bounds__(128) gemm_mma(P product) {
  using T = typename decltype(product.a)::Element;
  using Tile = MmaTile<T>;
  using Pipeline = TilePipeline<P, Tile, Tile::kStages, kVector>;
  KIN_DYNAMIC_SHARED(T, shared);
  const int row0 = int(blockIdx.x) * Tile::kRows, column0 = int(blockIdx.y) * Tile::kColumns;
  const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  const int warp_row = warp % Tile::kWarpsDown * Tile::kWarpRows, warp_column = warp / Tile::kWarpsDown * Tile::kWarpColumns;
  const auto range = product.select(int(blockIdx.z));
  constexpr int kDown = Tile::kWarpRows / 16, kAcross = Tile::kWarpColumns / 8;
  float sum[kDown][kAcross][4] = {};

  Pipeline(product, row0, column0, range, shared).run([&](const T* a, const T* b) {
#pragma unroll
    for (int k = 0; k < Tile::kDepth; k += Tile::kMmaDepth) {
      uint32_t x[kDown][4], y[kAcross / 2][4];
#pragma unroll
      for (int i = 0; i < kDown; ++i) load_rows<typename Pipeline::LayoutA, Pipeline::A::kDepthInner>(a, warp_row + 16 * i, k, x[i]);
#pragma unroll
      for (int j = 0; j < kAcross / 2; ++j) load_columns<typename Pipeline::LayoutB, Pipeline::B::kDepthInner>(b, warp_column + 16 * j, k, y[j]);
#pragma unroll
      for (int i = 0; i < kDown; ++i)
#pragma unroll
        for (int j = 0; j < kAcross; ++j) {
          const uint32_t columns[2] = {y[j / 2][j % 2 * 2], y[j / 2][j % 2 * 2 + 1]};
          if constexpr (sizeof(T) == 2) mma_bf16(sum[i][j], x[i], columns);
          else mma_tf32(sum[i][j], x[i], columns);
        }
    }
  });

#pragma unroll
  for (int i = 0; i < kDown; ++i)
#pragma unroll
    for (int j = 0; j < kAcross; ++j)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = row0 + warp_row + 16 * i + 8 * half + lane / 4, column = column0 + warp_column + 8 * j + lane % 4 * 2;
        if (row < product.m) product.c.store_pair(row, column, product.n - column, sum[i][j][2 * half], sum[i][j][2 * half + 1]);
      }
  review_tile<Tile::kRows, Tile::kColumns, Tile::kThreads>(product.c, row0, column0);
}

template <int kVector, class P>
void launch_mma(const Context& context, const P& p) {
  using Tile = MmaTile<typename decltype(p.a)::Element>;
  launch({{blocks_for(p.m, Tile::kRows), blocks_for(p.n, Tile::kColumns), unsigned(p.batch * p.splits)}, Tile::kThreads,
          TilePipeline<P, Tile, Tile::kStages, kVector>::kBytes, context.stream},
         gemm_mma<P, kVector>, p);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
