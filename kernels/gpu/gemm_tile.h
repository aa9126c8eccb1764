// Rung 2, "tile": one thread per output, operands through shared memory.
//
// FLOPs 2 m n k. Bytes from L2 or memory: every tile of 16 x 16 outputs reads 2 * 16 k elements, so 2 m n k / 16 in all, one sixteenth of
// the naive kernel's. Prediction: limited by shared memory. A warp reads it twice for its 32 multiply-adds, a multiprocessor serves one
// such read per clock: 16 of the 128 multiply-adds per clock it could do, one eighth of the fp32 peak. The next rung keeps a tile of
// outputs in registers, so that a word read serves several of them. Measured: not run on a GPU.
#pragma once
#include "kernels/gpu/gemm_operands.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

inline constexpr int kTile = 16;

template <class P>
__global__ void __launch_bounds__(kTile* kTile) gemm_tile(P product) {
  using A = decltype(product.a);
  using B = decltype(product.b);
  KIN_SHARED(float, a, [kTile][kTile + 1]);  // [row][depth]; the odd pitch puts a column's elements into different banks
  KIN_SHARED(float, b, [kTile][kTile + 1]);
  const int tx = int(threadIdx.x) % kTile, ty = int(threadIdx.x) / kTile;
  const int row0 = int(blockIdx.x) * kTile, column0 = int(blockIdx.y) * kTile;
  const auto range = product.select(int(blockIdx.z));
  // Neighbouring threads load neighbouring elements, whichever way the operand lies.
  const int a_row = A::kDepthInner ? ty : tx, a_depth = A::kDepthInner ? tx : ty;
  const int b_row = B::kDepthInner ? ty : tx, b_depth = B::kDepthInner ? tx : ty;
  const auto row_of_a = product.a.row(row0 + a_row);
  const auto row_of_b = product.b.row(column0 + b_row);

  float sum = 0;
  for (int k0 = range.begin; k0 < range.end; k0 += kTile) {
    const auto* from_a = product.a.at(row_of_a, product.a.depth(k0 + a_depth));
    const auto* from_b = product.b.at(row_of_b, product.b.depth(k0 + b_depth));
    a[a_row][a_depth] = from_a ? float(*from_a) : 0.0f;
    b[b_row][b_depth] = from_b ? float(*from_b) : 0.0f;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kTile; ++k) sum += a[ty][k] * b[tx][k];
    __syncthreads();
  }
  if (row0 + ty < product.m && column0 + tx < product.n) product.c.store(row0 + ty, column0 + tx, sum);
}

template <class P>
void launch_tile(const Context& context, const P& p) {
  launch({{blocks_for(p.m, kTile), blocks_for(p.n, kTile), unsigned(p.batch * p.splits)}, kTile * kTile, 0, context.stream}, gemm_tile<P>, p);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
