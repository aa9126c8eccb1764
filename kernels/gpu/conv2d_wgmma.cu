// Rungs 6 and 7 of the convolutions: TMA and wgmma, block by block and in clusters. A tile's rows (for the weight gradient: a step's depths) are a patch of output pixels, so the input
// under one tap is a box of the image, and the padding is what TMA reads outside of it: zero. docs/ladder.md has the climb.
#include "kernels/conv2d_refusals.h"
#include "kernels/gpu/conv2d_run.h"
#include "kernels/gpu/conv2d_wgmma_windows.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

// Weight gradient: rows are output channels, columns are (tap, channels of x padded to 64), steps are patches of 64 pixels of y. The
// steps are cut into ranges, as in every rung.
struct WgradTiles {
  using Tile = WgmmaTile<128, 256>;  // there are at least nine times 64 columns where it matters
  static constexpr Major kMajorA = Major::mn, kMajorB = Major::mn;
  TensorMap gy, x;
  MatrixResult<float> result;
  PatchGrid patches;
  Taps taps;
  FastDivisor channel_blocks, column_tiles, row_tiles;
  int o, c, tap_count, splits, split_steps;

  WgradTiles(const Conv2dWgrad& p, const PatchGrid& grid, int ranges, int range_steps, float* partial) : patches(grid), splits(ranges), split_steps(range_steps) {
    const ConvShape& s = p.shape;
    o = int(s.o);
    c = int(s.c);
    tap_count = int(s.kh * s.kw);
    gy = image_map(p.gy, s.n, s.out_h, s.out_w, s.o, patches, 1, 1);
    x = image_map(p.x, s.n, s.h, s.w, s.c, patches, s.stride_h, s.stride_w);
    taps = {-int(s.top), -int(s.left), int(s.stride_h), int(s.stride_w), int(s.dilation_h), int(s.dilation_w), FastDivisor(s.kw)};
    channel_blocks = FastDivisor(blocks_for(s.c, Tile::kSpan));
    column_tiles = FastDivisor(blocks_for(tap_count * int64_t(channel_blocks.divisor) * Tile::kSpan, Tile::kColumns));
    row_tiles = FastDivisor(blocks_for(s.o, Tile::kRows));
    result.data = partial;
    result.pitch = tap_count * s.c;
    result.split_step = s.o * result.pitch;
    result.allow_pairs();
  }

  struct Place {
    int split, row, column, begin, end;  // column: in blocks of 64
  };
  __host__ __device__ int tiles() const { return int(row_tiles.divisor * column_tiles.divisor) * splits; }
  __device__ Place place(int tile) const {
    const int i = column_tiles.quotient(tile), split = row_tiles.quotient(i), begin = split * split_steps, end = begin + split_steps;
    return {split, row_tiles.remainder(i, split) * Tile::kRows, column_tiles.remainder(tile, i) * (Tile::kColumns / Tile::kSpan), begin,
            end < patches.patches() ? end : patches.patches()};
  }
  __device__ void load(const Place& at, int step, bf16* to_a, bf16* to_b, MBarrier* barrier) const {
    const PatchGrid::At first = patches.patch(step);
#pragma unroll
    for (int i = 0; i < Tile::kRows / Tile::kSpan; ++i) tma_load(to_a + i * Tile::kBox, gy, barrier, at.row + i * Tile::kSpan, first.x, first.y, first.n);
#pragma unroll
    for (int i = 0; i < Tile::kColumns / Tile::kSpan; ++i) {  // a tap beyond the last reads somewhere, and is not stored
      const int tap = channel_blocks.quotient(at.column + i), block = channel_blocks.remainder(at.column + i, tap);
      const Taps::At under = taps.under(tap, first.y, first.x);
      tma_load(to_b + i * Tile::kBox, x, barrier, block * Tile::kSpan, under.x, under.y, first.n);
    }
  }
  __device__ void store(const Place& at, int row, int column, float v0, float v1) const {
    const int tap = channel_blocks.quotient(at.column + column / Tile::kSpan);
    const int channel = channel_blocks.remainder(at.column + column / Tile::kSpan, tap) * Tile::kSpan + column % Tile::kSpan;
    if (at.row + row >= o || tap >= tap_count || channel >= c) return;
    MatrixResult<float> to = result;
    to.select(0, at.split);
    to.store_pair(at.row + row, tap * c + channel, c - channel, v0, v1);
  }
};

/// In blocks, or clusters of them.
template <int kBlocks>
void forward(const Context& context, const Conv2dFwd& p) {
  const ConvShape& s = p.shape;
  visit_wgmma_tiles<kBlocks>(s.o, [&]<class Tile>() {
    if (!p.moments) return launch_wgmma(context, WindowTiles<false, Tile>(s, p.x, p.w, p.bias, p.residual, p.y));
    const int64_t patches = wgmma_patches<Tile>(s.n, s.out_h, s.out_w);
    const ResultSums sums(context, s.n, patches, s.out_h * s.out_w, s.o);
    WindowTilesWithSums<Tile> tiles(s, p.x, p.w, p.bias, p.residual, p.y);
    tiles.sums = sums.data();
    tiles.image_tiles = int(patches);
    launch_wgmma(context, tiles);
    sums.to(context, p.moments);
  });
}

template <int kBlocks>
void input_gradient(const Context& context, const Conv2dDgrad& p) {
  visit_wgmma_tiles<kBlocks>(p.shape.c, [&]<class Tile>() { launch_wgmma(context, WindowTiles<true, Tile>(p.shape, p.gy, p.w, p.bias, nullptr, p.gx)); });
}

}  // namespace

void conv2d_fwd_wgmma(const Context& context, const Conv2dFwd& p) { forward<1>(context, p); }
void conv2d_fwd_cluster(const Context& context, const Conv2dFwd& p) { forward<2>(context, p); }
void conv2d_dgrad_wgmma(const Context& context, const Conv2dDgrad& p) { input_gradient<1>(context, p); }
void conv2d_dgrad_cluster(const Context& context, const Conv2dDgrad& p) { input_gradient<2>(context, p); }

void conv2d_wgrad_wgmma(const Context& context, const Conv2dWgrad& p) {
  using Tile = WgradTiles::Tile;
  const ConvShape& s = p.shape;
  const PatchGrid patches(s.n, s.out_h, s.out_w, Tile::kDepth);
  const int64_t columns = s.kh * s.kw * blocks_for(s.c, Tile::kSpan) * Tile::kSpan;
  split_wgrad<bf16>(context, p, int64_t(patches.patches()) * Tile::kDepth, int64_t(blocks_for(s.o, Tile::kRows)) * blocks_for(columns, Tile::kColumns),
                    [&](Split split, float* partial) { launch_wgmma(context, WgradTiles(p, patches, split.count, split.depth / Tile::kDepth, partial)); });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
