// Rung 4, "pipelined": cp.async in four stages. f32.
//
// FLOPs and bytes as register's. cp.async writes to shared memory without passing by the registers, so three steps of loads are in flight in
// place of one, the 24 registers that held them are free, and one barrier per step is enough: the buffer being refilled is one that
// every thread left before it. Prediction: limited by the fp32 units, 60 TFLOP/s on an H200; the next rung leaves them for the tensor cores.
// Measured: not run on a GPU.
#pragma once
#include "kernels/gpu/gemm_register.h"
#include "kernels/simt/cp_async.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// The ring of tiles in dynamic shared memory that a pipelined kernel reads from. Step i of the sum goes into stage i % kStages.
template <class P, class Tile, int kStages, int kVector>
struct TilePipeline {
  using A = decltype(P::a);
  using B = decltype(P::b);
  using T = typename A::Element;
  using LayoutA = TileLayout<T, Tile::kRows, Tile::kDepth, A::kDepthInner>;
  using LayoutB = TileLayout<T, Tile::kColumns, Tile::kDepth, B::kDepthInner>;
  static constexpr int kStageElements = LayoutA::kElements + LayoutB::kElements;
  static constexpr size_t kBytes = size_t(kStages) * kStageElements * sizeof(T);

  TileMover<A, LayoutA, Tile::kThreads, kVector> move_a;
  TileMover<B, LayoutB, Tile::kThreads, kVector> move_b;
  T* buffer;
  int begin, end;

  __device__ TilePipeline(const P& product, int row0, int column0, typename P::Range range, T* shared)
      : move_a(product.a, row0), move_b(product.b, column0), buffer(shared), begin(range.begin), end(range.end) {}

  __device__ int steps() const { return (end - begin + Tile::kDepth - 1) / Tile::kDepth; }
  __device__ const T* a(int step) const { return buffer + step % kStages * kStageElements; }
  __device__ const T* b(int step) const { return a(step) + LayoutA::kElements; }

  /// Issues the loads of a step, if there is such a step, as one group.
  __device__ __forceinline__ void issue(int step) const {
    if (step < steps()) {
      T* to = buffer + step % kStages * kStageElements;
      const auto copy = [&to](int, int at, const T* from) { cp_async<kVector * int(sizeof(T))>(to + at, from, from != nullptr); };
      move_a.template each<4>(begin + step * Tile::kDepth, copy);
      to += LayoutA::kElements;
      move_b.template each<4>(begin + step * Tile::kDepth, copy);
    }
    cp_async_commit();
  }
  /// Calls f(a tile, b tile) for each step in order.
  template <class F>
  __device__ __forceinline__ void run(F&& f) const {
#pragma unroll
    for (int i = 0; i < kStages - 1; ++i) issue(i);
    for (int i = 0; i < steps(); ++i) {
      cp_async_wait<kStages - 2>();  // this thread's part of step i has landed
      __syncthreads();               // everybody's has, and everybody is done with step i - 1, whose stage is refilled now
      issue(i + kStages - 1);
      f(a(i), b(i));
    }
  }
};

inline constexpr int kRegisterStages = 4;

template <class P, int kVector>
__global__ void __launch_bounds__(RegisterTile::kThreads, 2) gemm_pipelined(P product) {
  using Tile = RegisterTile;
  using Pipeline = TilePipeline<P, Tile, kRegisterStages, kVector>;
  KIN_DYNAMIC_SHARED(float, shared);
  const int row0 = int(blockIdx.x) * Tile::kRows, column0 = int(blockIdx.y) * Tile::kColumns;
  const int thread_column = int(threadIdx.x) % Tile::kThreadColumns, thread_row = int(threadIdx.x) / Tile::kThreadColumns;
  const auto range = product.select(int(blockIdx.z));
  float sum[8][8] = {};
  Pipeline(product, row0, column0, range, shared).run([&](const float* a, const float* b) {
    multiply_tile<typename Pipeline::A, typename Pipeline::B, typename Pipeline::LayoutA, typename Pipeline::LayoutB>(a, b, thread_row, thread_column, sum);
  });
  store_tile(product, row0, column0, thread_row, thread_column, sum);
  review_tile<Tile::kRows, Tile::kColumns, Tile::kThreads>(product.c, row0, column0);
}

template <int kVector, class P>
void launch_pipelined(const Context& context, const P& p) {
  using Tile = RegisterTile;
  launch({{blocks_for(p.m, Tile::kRows), blocks_for(p.n, Tile::kColumns), unsigned(p.batch * p.splits)}, Tile::kThreads,
          TilePipeline<P, Tile, kRegisterStages, kVector>::kBytes, context.stream},
         gemm_pipelined<P, kVector>, p);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
