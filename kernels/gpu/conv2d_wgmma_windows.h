// The forward convolution and the input gradient as tiles for wgmma: a tile's rows are a patch of output pixels, so the input under one tap is a
// box of the image, and the padding is what TMA reads outside of it: zero. For conv2d_wgmma.cu and what is built like it.
#pragma once
#include "kernels/conv2d.h"
#include "kernels/gpu/conv2d_moments.h"
#include "kernels/gpu/conv2d_patch.h"
#include "kernels/gpu/gemm_wgmma.h"
#include "kernels/simt/named_barrier.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

// [n, h, w, c] as axes (c, w, h, n), in boxes of 64 channels times a patch seen with a stride.
inline TensorMap image_map(const void* data, int64_t n, int64_t h, int64_t w, int64_t c, const PatchGrid& patch, int64_t stride_y, int64_t stride_x) {
  BoxShape s;
  s.rank = 4;
  const int64_t sizes[] = {c, w, h, n}, box[] = {WgmmaStep::kSpan, ((1 << patch.log_w) - 1) * stride_x + 1, ((1 << patch.log_h) - 1) * stride_y + 1, 1 << patch.log_n};
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
inline TensorMap weight_map(const void* data, int64_t o, int64_t taps, int64_t c, int rows) {
  BoxShape s;
  s.rank = 3;
  s.sizes[0] = uint64_t(c);
  s.sizes[1] = uint64_t(taps);
  s.sizes[2] = uint64_t(o);
  s.pitch[0] = uint64_t(c) * sizeof(bf16);
  s.pitch[1] = uint64_t(taps * c) * sizeof(bf16);
  s.box[0] = WgmmaStep::kSpan;
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
// finish: what is made of an element before it is stored.
template <bool kBackward, class WindowTile, class Finish = Unfinished>
struct WindowTiles {
  using Tile = WindowTile;
  static constexpr Major kMajorA = Major::k, kMajorB = kBackward ? Major::mn : Major::k;
  static constexpr int kShare = (kBackward ? Tile::kDepth : Tile::kColumns) / Tile::kBlocks;  // of the weights, loaded by one block of a cluster
  TensorMap image, weights;
  MatrixResult<bf16, Finish> result;
  PatchGrid patches;
  Taps taps;
  FastDivisor channel_steps, column_tiles;
  int n, h, w;  // of the result
  int image_step, line_step, pixel_step = 1, first = 0;  // pixel (n, y, x) of the result is row first + n image_step + y line_step + x pixel_step
  int columns, steps;

  WindowTiles(const ConvShape& s, const void* data, const void* filter, const void* bias, const void* residual, void* to, Finish finish = {})
      : result{.finish = finish} {
    n = int(s.n);
    h = int(kBackward ? s.h : s.out_h);
    w = int(kBackward ? s.w : s.out_w);
    image_step = h * w;
    line_step = w;
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
    weights = weight_map(filter, s.o, s.kh * s.kw, s.c, kShare);
    channel_steps = FastDivisor(blocks_for(channels, Tile::kDepth));
    column_tiles = FastDivisor(blocks_for(columns, Tile::kColumns));
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
  __host__ __device__ int tiles() const { return (patches.patches() + Tile::kBlocks - 1) / Tile::kBlocks * int(column_tiles.divisor); }
  // The blocks of a cluster take neighbouring patches; one beyond the last is outside of every image.
  __device__ Place place(int tile) const {
    const int line = column_tiles.quotient(tile), rank = Tile::kBlocks > 1 ? int(cluster_rank()) : 0;
    return {patches.patch(line * Tile::kBlocks + rank), column_tiles.remainder(tile, line) * Tile::kColumns, 0, steps};
  }
  __device__ void load(const Place& at, int step, bf16* to_a, bf16* to_b, MBarrier* barrier) const {
    const int tap = channel_steps.quotient(step), channel = channel_steps.remainder(step, tap) * Tile::kDepth;
    const Taps::At under = taps.under(tap, at.first.y, at.first.x);
    tma_load(to_a, image, barrier, channel, under.x, under.y, at.first.n);
    const int share = Tile::kBlocks > 1 ? int(cluster_rank()) * kShare : 0;
    to_b += share * Tile::kSpan;
    if constexpr (kBackward) {
#pragma unroll
      for (int i = 0; i < Tile::kColumns / Tile::kSpan; ++i)
        load_for_cluster<Tile>(to_b + i * Tile::kBox, weights, barrier, at.column + i * Tile::kSpan, tap, channel + share);
    } else {
      load_for_cluster<Tile>(to_b, weights, barrier, channel, tap, at.column + share);
    }
  }
  /// Where row `row` of the tile stands among the result's pixels; -1: outside.
  __device__ int pixel(const Place& at, int row) const {
    const PatchGrid::At p = patches.pixel(at.first, row);
    return p.n < n && p.y < h && p.x < w ? first + p.n * image_step + p.y * line_step + p.x * pixel_step : -1;
  }
  __device__ void store(const Place& at, int row, int column, float v0, float v1) const {
    if (const int i = pixel(at, row); i >= 0) result.store_pair(i, at.column + column, columns - at.column - column, v0, v1);
  }
};

// The forward convolution that leaves sums for the moments of its result: each image's part of a patch is a tile. Several launches may share the
// sums: patch p of an image is its tile first_tile + p of `image_tiles`.
template <class WindowTile>
struct WindowTilesWithSums : WindowTiles<false, WindowTile> {
  using Base = WindowTiles<false, WindowTile>;
  TileSums* sums = nullptr;  // [n, image_tiles, columns / 2]
  int image_tiles = 0, first_tile = 0;

  using Base::Base;
  __device__ void review(const typename Base::Place& at, int thread) const {
    const PatchGrid& grid = this->patches;
    const int across = 1 << grid.log_w, down = 1 << grid.log_h, pixels = across * down;
    const int right = this->w - at.first.x, below = this->h - at.first.y, count = (right < across ? right : across) * (below < down ? below : down);
    const int tile = first_tile + (at.first.y >> grid.log_h) * grid.across + (at.first.x >> grid.log_w);
    for (int i = 0; i < 1 << grid.log_n && at.first.n + i < this->n; ++i) {
      const auto line = [&](int row) -> const bf16* {
        const int p = this->pixel(at, i * pixels + row);
        return p >= 0 ? this->result.data + int64_t(p) * this->columns + at.column : nullptr;
      };
      sum_stored_tile<bf16, WindowTile::kColumns, kWgmmaReviewers>(pixels, count, this->columns - at.column, line, [] { named_barrier_sync(1, kWgmmaReviewers); }, thread,
                                                 sums + (int64_t(at.first.n + i) * image_tiles + tile) * (this->columns / 2) + at.column / 2);
    }
  }
};

/// How many patches an image of a wgmma forward convolution has.
template <class Tile>
int64_t wgmma_patches(int64_t n, int64_t h, int64_t w) {
  const PatchGrid grid(n, h, w, Tile::kRows);
  return int64_t(grid.across) * grid.down;
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
