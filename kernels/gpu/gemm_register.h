// Rung 3, "register": 8 x 8 outputs per thread, 16-byte loads. f32.
//
// FLOPs 2 m n k. A block of 128 threads makes 128 x 64 outputs and reads (128 + 64) k elements for them, 43 FLOP per element or 11 per
// byte where tile has 16 per element. Of shared memory a thread reads 16 words for 64 multiply-adds. Prediction: limited by the fp32
// units, as long as a multiprocessor holds enough warps; the loss is where all threads wait, at the two barriers of each step and
// for the global loads that were issued one step ahead into 24 registers. The next rung takes those registers and one barrier away.
// Measured: not run on a GPU.
#pragma once
#include "kernels/gpu/gemm_layout.h"
#include "kernels/gpu/gemm_operands.h"
#include "kernels/gpu/vector.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// The tile that rungs 3 and 4 share: 16 x 8 threads with 8 x 8 outputs each.
struct RegisterTile {
  static constexpr int kRows = 128, kColumns = 64, kDepth = 16, kThreads = 128;
  static constexpr int kThreadRows = 16, kThreadColumns = 8;
};

/// The chunks of one tile that one thread moves from global to shared memory. kVector: elements moved as one, 4 where the operand's
/// lines allow it, else 1.
template <class Operand, class Layout, int kThreads, int kVector>
struct TileMover {
  using T = typename Operand::Element;
  static constexpr bool kDepthInner = Operand::kDepthInner;
  static constexpr int kPerLine = Layout::kLine / kVector;
  static constexpr int kMoves = Layout::kElements / kVector / kThreads;
  static_assert(kThreads % kPerLine == 0, "a thread keeps its place within the line");
  static constexpr int kLineStep = kThreads / kPerLine;

  const Operand& operand;
  int row0, within, line;

  __device__ TileMover(const Operand& o, int first_row) : operand(o), row0(first_row), within(int(threadIdx.x) % kPerLine * kVector), line(int(threadIdx.x) / kPerLine) {}

  /// f(i, position in the tile, pointer or null) for each of this thread's moves of the tile that begins at depth k0. All are unrolled
  /// where f keeps something per i in registers; otherwise a few at a time keep the addresses from filling them.
  template <int kUnroll = kMoves, class F>
  __device__ __forceinline__ void each(int k0, F&& f) const {
    if constexpr (kDepthInner) {
      const auto depth = operand.depth(k0 + within);
#pragma unroll(kUnroll)
      for (int i = 0; i < kMoves; ++i) f(i, Layout::at(line + i * kLineStep, within), operand.at(operand.row(row0 + line + i * kLineStep), depth));
    } else {
      const auto row = operand.row(row0 + within);
#pragma unroll(kUnroll)
      for (int i = 0; i < kMoves; ++i) f(i, Layout::at(within, line + i * kLineStep), operand.at(row, operand.depth(k0 + line + i * kLineStep)));
    }
  }
};

/// This thread's eight rows (of B: columns) of four depths, in 16-byte reads either way the tile lies.
template <class Layout, int kThreads, bool kDepthInner>
__device__ __forceinline__ void read_owned(const float* tile, int t, int depth, float (&to)[4][8]) {
#pragma unroll
  for (int i = 0; i < 8; i += kDepthInner ? 1 : 4)
#pragma unroll
    for (int k = 0; k < 4; k += kDepthInner ? 4 : 1) {
      const Vector<float> v = load_vector(tile + Layout::at(owned_row<kThreads, kDepthInner>(t, i), depth + k));
#pragma unroll
      for (int j = 0; j < 4; ++j) to[kDepthInner ? j : k][kDepthInner ? i : i + j] = v.at[j];
    }
}

/// The multiply-adds of one tile step.
template <class A, class B, class LayoutA, class LayoutB>
__device__ __forceinline__ void multiply_tile(const float* a, const float* b, int thread_row, int thread_column, float (&sum)[8][8]) {
  using Tile = RegisterTile;
#pragma unroll 1  // unrolled it takes 254 registers, and four times as long to compile
  for (int k0 = 0; k0 < Tile::kDepth; k0 += 4) {
    float x[4][8], y[4][8];
    read_owned<LayoutA, Tile::kThreadRows, A::kDepthInner>(a, thread_row, k0, x);
    read_owned<LayoutB, Tile::kThreadColumns, B::kDepthInner>(b, thread_column, k0, y);
#pragma unroll
    for (int k = 0; k < 4; ++k)
#pragma unroll
      for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 8; ++j) sum[i][j] += x[k][i] * y[k][j];
  }
}

template <class P>
__device__ __forceinline__ void store_tile(const P& product, int row0, int column0, int thread_row, int thread_column, const float (&sum)[8][8]) {
  using Tile = RegisterTile;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int row = row0 + owned_row<Tile::kThreadRows, decltype(product.a)::kDepthInner>(thread_row, i);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const int column = column0 + owned_row<Tile::kThreadColumns, decltype(product.b)::kDepthInner>(thread_column, j);
      if (row < product.m && column < product.n) product.c.store(row, column, sum[i][j]);
    }
  }
}

template <class P, int kVector>
__global__ void __launch_bounds__(RegisterTile::kThreads, 2) gemm_register(P product) {
  using Tile = RegisterTile;
  using A = decltype(product.a);
  using B = decltype(product.b);
  using LayoutA = TileLayout<float, Tile::kRows, Tile::kDepth, A::kDepthInner>;
  using LayoutB = TileLayout<float, Tile::kColumns, Tile::kDepth, B::kDepthInner>;
  using MoverA = TileMover<A, LayoutA, Tile::kThreads, kVector>;
  using MoverB = TileMover<B, LayoutB, Tile::kThreads, kVector>;
  KIN_SHARED(Vector<float>, shared_a, [LayoutA::kElements / 4]);
  KIN_SHARED(Vector<float>, shared_b, [LayoutB::kElements / 4]);
  float *a = shared_a[0].at, *b = shared_b[0].at;

  const int row0 = int(blockIdx.x) * Tile::kRows, column0 = int(blockIdx.y) * Tile::kColumns;
  const int thread_column = int(threadIdx.x) % Tile::kThreadColumns, thread_row = int(threadIdx.x) / Tile::kThreadColumns;
  const auto range = product.select(int(blockIdx.z));
  const MoverA move_a(product.a, row0);
  const MoverB move_b(product.b, column0);

  float next_a[MoverA::kMoves][kVector], next_b[MoverB::kMoves][kVector];
  const auto fetch = [](auto& next) {
    return [&next](int i, int, const float* from) {
      if constexpr (kVector == 4) {
        const Vector<float> v = from ? load_vector(from) : Vector<float>{};
#pragma unroll
        for (int j = 0; j < 4; ++j) next[i][j] = v.at[j];
      } else {
        next[i][0] = from ? *from : 0.0f;
      }
    };
  };
  const auto put = [](float* tile, auto& next) {
    return [tile, &next](int i, int at, const float*) {
#pragma unroll
      for (int j = 0; j < kVector; ++j) tile[at + j] = next[i][j];
    };
  };
  float sum[8][8] = {};
  move_a.each(range.begin, fetch(next_a));
  move_b.each(range.begin, fetch(next_b));
  for (int k0 = range.begin; k0 < range.end; k0 += Tile::kDepth) {
    move_a.each(k0, put(a, next_a));
    move_b.each(k0, put(b, next_b));
    __syncthreads();
    if (k0 + Tile::kDepth < range.end) {
      move_a.each(k0 + Tile::kDepth, fetch(next_a));
      move_b.each(k0 + Tile::kDepth, fetch(next_b));
    }
    multiply_tile<A, B, LayoutA, LayoutB>(a, b, thread_row, thread_column, sum);
    __syncthreads();
  }
  store_tile(product, row0, column0, thread_row, thread_column, sum);
}

template <int kVector, class P>
void launch_register(const Context& context, const P& p) {
  using Tile = RegisterTile;
  launch({{blocks_for(p.m, Tile::kRows), blocks_for(p.n, Tile::kColumns), unsigned(p.batch * p.splits)}, Tile::kThreads, 0, context.stream},
         gemm_register<P, kVector>, p);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
