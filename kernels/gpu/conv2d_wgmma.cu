// Rung 6 of the convolutions: TMA and wgmma. A tile's rows (for the weight gradient: a step's depths) are a patch of output pixels, so the input
// under one tap is a box of the image, and the padding is what TMA reads outside of it: zero. docs/ladder.md has the climb.
#include "kernels/conv2d_refusals.h"
#include "kernels/gpu/conv2d_patch.h"
#include "kernels/gpu/conv2d_run.h"
#include "kernels/gpu/gemm_wgmma.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

using Tile = WgmmaTile;

// [n, h, w, c] as axes (c, w, h, n), in boxes of 64 channels times a patch seen with a stride.
TensorMap image_map(const void* data, int64_t n, int64_t h, int64_t w, int64_t c, const PatchGrid& patch, int64_t stride_y, int64_t stride_x) {
  BoxShape s;
  s.rank = 4;
  const int64_t sizes[] = {c, w, h, n}, box[] = {Tile::kSpan, ((1 << patch.log_w) - 1) * stride_x + 1, ((1 << patch.log_h) - 1) * stride_y + 1, 1 << patch.log_n};
  uint64_t pitch = sizeof(bf16);
  for (int i = 0; i < 4; ++i) {
    s.sizes[i] = uint64_t(sizes[i]);
    s.box[i] = uint32_t(box[i]);
    pitch *= s.sizes[i];
    if (i < 3) s.pitch[i] = pitch;
  }
  s.step[1] = uint32_t(stride_x);
  s.step[2] = uint32_t(stride_y);
  return make_tensor_map(data, DType::bf16, s, Swizzle::b128);
}

// w [o, taps, c] as axes (c, taps, o), in boxes of 64 channels, one tap and `rows` output channels.
TensorMap weight_map(const void* data, int64_t o, int64_t taps, int64_t c, int rows) {
  BoxShape s;
  s.rank = 3;
  s.sizes[0] = uint64_t(c);
  s.sizes[1] = uint64_t(taps);
  s.sizes[2] = uint64_t(o);
  s.pitch[0] = uint64_t(c) * sizeof(bf16);
  s.pitch[1] = uint64_t(taps * c) * sizeof(bf16);
  s.box[0] = Tile::kSpan;
  s.box[1] = 1;
  s.box[2] = uint32_t(rows);
  return make_tensor_map(data, DType::bf16, s, Swizzle::b128);
}

// The position under a tap: first + pixel * stride + tap * step.
struct Taps {
  int first_y, first_x, stride_y, stride_x, step_y, step_x;
  FastDivisor taps_w;

  struct At { int y, x; };
  __device__ At under(int tap, int y, int x) const {
    const int r = taps_w.quotient(tap), s = taps_w.remainder(tap, r);
    return {first_y + y * stride_y + r * step_y, first_x + x * stride_x + s * step_x};
  }
};

// Forward (kBackward false): rows are pixels of y, steps are (tap, 64 channels of x), columns are output channels.
// Input gradient: rows are pixels of x, steps are (tap, 64 channels of gy), columns are channels of x.
template <bool kBackward, int kN>
struct WindowTiles {
  static constexpr int kColumns = kN;
  static constexpr Major kMajorA = Major::k, kMajorB = kBackward ? Major::mn : Major::k;
  TensorMap image, weights;
  MatrixResult<bf16> result;
  PatchGrid patches;
  Taps taps;
  FastDivisor channel_steps, column_tiles;
  int n, h, w;  // of the result
  int columns, steps;

  WindowTiles(const ConvShape& s, const void* data, const void* filter, const void* bias, const void* residual, void* to) {
    n = int(s.n);
    h = int(kBackward ? s.h : s.out_h);
    w = int(kBackward ? s.w : s.out_w);
    columns = int(kBackward ? s.c : s.o);
    const int64_t channels = kBackward ? s.o : s.c;
    patches = PatchGrid(n, h, w, Tile::kRows);
    if (kBackward) {
      taps = {int(s.top), int(s.left), 1, 1, -int(s.dilation_h), -int(s.dilation_w), FastDivisor(s.kw)};
      image = image_map(data, s.n, s.out_h, s.out_w, s.o, patches, 1, 1);
    } else {
      taps = {-int(s.top), -int(s.left), int(s.stride_h), int(s.stride_w), int(s.dilation_h), int(s.dilation_w), FastDivisor(s.kw)};
      image = image_map(data, s.n, s.h, s.w, s.c, patches, s.stride_h, s.stride_w);
    }
    weights = weight_map(filter, s.o, s.kh * s.kw, s.c, kBackward ? Tile::kDepth : kN);
    channel_steps = FastDivisor(blocks_for(channels, Tile::kDepth));
    column_tiles = FastDivisor(blocks_for(columns, kN));
    steps = int(s.kh * s.kw) * int(channel_steps.divisor);
    result.data = static_cast<bf16*>(to);
    result.bias = static_cast<const bf16*>(bias);
    result.residual = static_cast<const bf16*>(residual);
    result.pitch = columns;
    result.allow_pairs();
  }

  struct Place {
    PatchGrid::At first;
    int column, begin, end;
  };
  __host__ __device__ int tiles() const { return patches.patches() * int(column_tiles.divisor); }
  __device__ Place place(int tile) const {
    const int patch = column_tiles.quotient(tile);
    return {patches.patch(patch), column_tiles.remainder(tile, patch) * kN, 0, steps};
  }
  __device__ void load(const Place& at, int step, bf16* to_a, bf16* to_b, MBarrier* barrier) const {
    const int tap = channel_steps.quotient(step), channel = channel_steps.remainder(step, tap) * Tile::kDepth;
    const Taps::At under = taps.under(tap, at.first.y, at.first.x);
    tma_load(to_a, image, barrier, channel, under.x, under.y, at.first.n);
    if constexpr (kBackward) {
#pragma unroll
      for (int i = 0; i < kN / Tile::kSpan; ++i) tma_load(to_b + i * Tile::kBox, weights, barrier, at.column + i * Tile::kSpan, tap, channel);
    } else {
      tma_load(to_b, weights, barrier, channel, tap, at.column);
    }
  }
  __device__ void store(const Place& at, int row, int column, float v0, float v1) const {
    const PatchGrid::At p = patches.pixel(at.first, row);
    if (p.n < n && p.y < h && p.x < w) result.store_pair((p.n * h + p.y) * w + p.x, at.column + column, columns - at.column - column, v0, v1);
  }
};

// Weight gradient: rows are output channels, columns are (tap, channels of x padded to 64), steps are patches of 64 pixels of y. The
// steps are cut into ranges, as in every rung.
template <int kN>
struct WgradTiles {
  static constexpr int kColumns = kN;
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
    column_tiles = FastDivisor(blocks_for(tap_count * int64_t(channel_blocks.divisor) * Tile::kSpan, kN));
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
    return {split, row_tiles.remainder(i, split) * Tile::kRows, column_tiles.remainder(tile, i) * (kN / Tile::kSpan), begin,
            end < patches.patches() ? end : patches.patches()};
  }
  __device__ void load(const Place& at, int step, bf16* to_a, bf16* to_b, MBarrier* barrier) const {
    const PatchGrid::At first = patches.patch(step);
#pragma unroll
    for (int i = 0; i < Tile::kRows / Tile::kSpan; ++i) tma_load(to_a + i * Tile::kBox, gy, barrier, at.row + i * Tile::kSpan, first.x, first.y, first.n);
#pragma unroll
    for (int i = 0; i < kN / Tile::kSpan; ++i) {  // a tap beyond the last reads somewhere, and is not stored
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

}  // namespace

void conv2d_fwd_wgmma(const Context& context, const Conv2dFwd& p) {
  visit_wgmma_columns(p.shape.o, [&]<int kN>() { launch_wgmma(context, WindowTiles<false, kN>(p.shape, p.x, p.w, p.bias, p.residual, p.y)); });
}

void conv2d_dgrad_wgmma(const Context& context, const Conv2dDgrad& p) {
  visit_wgmma_columns(p.shape.c, [&]<int kN>() { launch_wgmma(context, WindowTiles<true, kN>(p.shape, p.gy, p.w, p.bias, nullptr, p.gx)); });
}

void conv2d_wgrad_wgmma(const Context& context, const Conv2dWgrad& p) {
  const ConvShape& s = p.shape;
  constexpr int kN = 256;  // there are at least nine times 64 columns where it matters
  const PatchGrid patches(s.n, s.out_h, s.out_w, Tile::kDepth);
  const int64_t columns = s.kh * s.kw * blocks_for(s.c, Tile::kSpan) * Tile::kSpan;
  split_wgrad<bf16>(context, p, int64_t(patches.patches()) * Tile::kDepth, int64_t(blocks_for(s.o, Tile::kRows)) * blocks_for(columns, kN),
                    [&](Split split, float* partial) { launch_wgmma(context, WgradTiles<kN>(p, patches, split.count, split.depth / Tile::kDepth, partial)); });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
