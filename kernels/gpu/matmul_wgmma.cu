// Rungs 6 and 7 of matmul: TMA and wgmma, block by block and in clusters. docs/ladder.md has the climb.
#include "kernels/gpu/gemm_wgmma.h"
#include "kernels/matmul_folded.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

// One operand: its tensor map has the axes (along the line, lines, matrices). What the kShared blocks of a cluster have in common each of them loads a part of.
template <bool kInner, int kRows, int kShared = 1>
struct MatrixTiles {
  using Tile = WgmmaTile<kRows, 0, kShared>;
  static constexpr int kShare = (kInner ? kRows : Tile::kDepth) / kShared;
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
    s.box[1] = kShare;
    s.box[2] = 1;
    map = make_tensor_map(data, DType::bf16, s, Swizzle::b128);
  }
  __device__ void load(bf16* to, MBarrier* barrier, int row, int depth, int matrix) const {
    const int z = batched ? matrix : 0, share = kShared > 1 ? int(cluster_rank()) * kShare : 0;
    to += share * Tile::kSpan;
    if constexpr (kInner) {
      load_for_cluster<Tile>(to, map, barrier, depth, row + share, z);
    } else {
#pragma unroll
      for (int i = 0; i < kRows / Tile::kSpan; ++i) load_for_cluster<Tile>(to + i * Tile::kBox, map, barrier, row + i * Tile::kSpan, depth + share, z);
    }
  }
};

template <bool kInnerA, bool kInnerB, class MatmulTile>
struct MatmulTiles {
  using Tile = MatmulTile;
  using TilesA = MatrixTiles<kInnerA, Tile::kRows>;
  using TilesB = MatrixTiles<kInnerB, Tile::kColumns, Tile::kBlocks>;
  static constexpr Major kMajorA = kInnerA ? Major::k : Major::mn, kMajorB = kInnerB ? Major::k : Major::mn;
  TilesA a;
  TilesB b;
  MatrixResult<bf16> c;
  int m, n, row_tiles, column_tiles, batch;  // rows: of the blocks of a cluster together
  int depth_steps, steps;  // of one matrix; of the sum, which may run through a batch
  bool sum;

  explicit MatmulTiles(const Matmul& p)
      : a(p.a, p.m, p.k, p.batch, p.stride_a), b(p.b, p.n, p.k, p.batch, p.stride_b), m(int(p.m)), n(int(p.n)) {
    sum = p.stride_c == 0;
    row_tiles = int(blocks_for(p.m, Tile::kRows * Tile::kBlocks));
    column_tiles = int(blocks_for(p.n, Tile::kColumns));
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
    const int i = tile / column_tiles, z = i / row_tiles, rank = Tile::kBlocks > 1 ? int(cluster_rank()) : 0;
    Place at{c, z, ((i - z * row_tiles) * Tile::kBlocks + rank) * Tile::kRows, (tile - i * column_tiles) * Tile::kColumns, 0, steps};
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

template <int kBlocks, bool kInnerA, bool kInnerB>
void run(const Context& context, const Matmul& p) {
  visit_wgmma_tiles<kBlocks>(p.n, [&]<class Tile>() { launch_wgmma(context, MatmulTiles<kInnerA, kInnerB, Tile>(p)); });
}

/// In blocks, or clusters of them.
template <int kBlocks>
void run(const Context& context, const Matmul& args) {
  const Matmul p = folded(args);
  if (p.ta) p.tb ? run<kBlocks, false, true>(context, p) : run<kBlocks, false, false>(context, p);
  else p.tb ? run<kBlocks, true, true>(context, p) : run<kBlocks, true, false>(context, p);
}

}  // namespace

void matmul_wgmma(const Context& context, const Matmul& p) { run<1>(context, p); }
void matmul_cluster(const Context& context, const Matmul& p) { run<2>(context, p); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
