// Rung 6 of matmul: TMA and wgmma. docs/ladder.md has the climb.
#include "kernels/gpu/gemm_wgmma.h"
#include "kernels/matmul_folded.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

using Tile = WgmmaTile;

// One operand: its tensor map has the axes (along the line, lines, matrices).
template <bool kInner, int kRows>
struct MatrixTiles {
  static constexpr Major kMajor = kInner ? Major::k : Major::mn;
  TensorMap map;
  bool batched;  // a matrix per product, or one for all

  MatrixTiles(const void* data, int64_t rows, int64_t depth, int64_t matrices, int64_t step) : batched(step != 0 && matrices > 1) {
    BoxShape s;
    s.rank = 3;
    s.sizes[0] = uint64_t(kInner ? depth : rows);
    s.sizes[1] = uint64_t(kInner ? rows : depth);
    s.sizes[2] = batched ? uint64_t(matrices) : 1;
    s.pitch[0] = s.sizes[0] * sizeof(bf16);
    s.pitch[1] = batched ? uint64_t(step) * sizeof(bf16) : s.pitch[0] * s.sizes[1];
    s.box[0] = Tile::kSpan;
    s.box[1] = kInner ? kRows : Tile::kDepth;
    s.box[2] = 1;
    map = make_tensor_map(data, DType::bf16, s, Swizzle::b128);
  }
  __device__ void load(bf16* to, MBarrier* barrier, int row, int depth, int matrix) const {
    const int z = batched ? matrix : 0;
    if constexpr (kInner) {
      tma_load(to, map, barrier, depth, row, z);
    } else {
#pragma unroll
      for (int i = 0; i < kRows / Tile::kSpan; ++i) tma_load(to + i * Tile::kBox, map, barrier, row + i * Tile::kSpan, depth, z);
    }
  }
};

template <bool kInnerA, bool kInnerB, int kN>
struct MatmulTiles {
  static constexpr int kColumns = kN;
  static constexpr Major kMajorA = MatrixTiles<kInnerA, Tile::kRows>::kMajor, kMajorB = MatrixTiles<kInnerB, kN>::kMajor;
  MatrixTiles<kInnerA, Tile::kRows> a;
  MatrixTiles<kInnerB, kN> b;
  MatrixResult<bf16> c;
  int m, n, row_tiles, column_tiles, batch;
  int depth_steps, steps;  // of one matrix; of the sum, which may run through a batch
  bool sum;

  explicit MatmulTiles(const Matmul& p)
      : a(p.a, p.m, p.k, p.batch, p.stride_a), b(p.b, p.n, p.k, p.batch, p.stride_b), m(int(p.m)), n(int(p.n)) {
    sum = p.stride_c == 0;
    row_tiles = int(blocks_for(p.m, Tile::kRows));
    column_tiles = int(blocks_for(p.n, kN));
    batch = sum ? 1 : int(p.batch);
    depth_steps = int(blocks_for(p.k, Tile::kDepth));
    steps = sum ? depth_steps * int(p.batch) : depth_steps;
    c.data = static_cast<bf16*>(p.c);
    c.bias = static_cast<const bf16*>(p.bias);
    c.pitch = p.n;
    c.batch_step = p.stride_c;
    c.accumulate = p.accumulate;
    c.allow_pairs();
  }

  struct Place {
    MatrixResult<bf16> c;
    int batch, row, column, begin, end;
  };
  __host__ __device__ int tiles() const { return row_tiles * column_tiles * batch; }
  // Neighbouring tiles share rows of A.
  __device__ Place place(int tile) const {
    const int i = tile / column_tiles, z = i / row_tiles;
    Place at{c, z, (i - z * row_tiles) * Tile::kRows, (tile - i * column_tiles) * kN, 0, steps};
    at.c.select(z, 0);
    return at;
  }
  __device__ void load(const Place& at, int step, bf16* to_a, bf16* to_b, MBarrier* barrier) const {
    const int matrix = step / depth_steps, depth = (step - matrix * depth_steps) * Tile::kDepth, z = sum ? matrix : at.batch;
    a.load(to_a, barrier, at.row, depth, z);
    b.load(to_b, barrier, at.column, depth, z);
  }
  __device__ void store(const Place& at, int row, int column, float v0, float v1) const {
    if (at.row + row < m) at.c.store_pair(at.row + row, at.column + column, n - at.column - column, v0, v1);
  }
};

template <bool kInnerA, bool kInnerB>
void run(const Context& context, const Matmul& p) {
  visit_wgmma_columns(p.n, [&]<int kN>() { launch_wgmma(context, MatmulTiles<kInnerA, kInnerB, kN>(p)); });
}

}  // namespace

void matmul_wgmma(const Context& context, const Matmul& args) {
  const Matmul p = folded(args);
  if (p.ta) p.tb ? run<false, true>(context, p) : run<false, false>(context, p);
  else p.tb ? run<true, true>(context, p) : run<true, false>(context, p);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
