// Moments of groups of a convolution's result, without another pass over it. When a tile of the result has been stored, threads of the same block
// read it once more, from L2, and leave sums about a value of the tile; the sums of all tiles are added in a fixed order afterwards, in f64.
//
// Of the result as it is stored: rounded, after bias and residual. Bytes: 16 for two columns of a tile of 128 pixels, written and read, together one part in 16
// of a result in bf16, in 32 of one in f32, where the pass that is saved reads all of it. Each of a block's 96 or 128 threads makes 8 to 43 loads of 16 bytes,
// four in flight: at 700 clocks each, 2 thousand clocks for 64 columns, 8 thousand for 256. Prediction: in wgmma hidden behind the products of a 3x3
// convolution (2.3 and 18 thousand), in pipelined (37 thousand for 64 channels) behind those of the other blocks. docs/ladder.md has what the network
// saves. Not run on a GPU.
#pragma once
#include "kernels/conv2d.h"
#include "kernels/gpu/gemm_operands.h"
#include "kernels/gpu/group_deviations.h"
#include "kernels/simt/pack.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// Of a tile's pixels in one image and two neighbouring columns, the first one even, which lie in one group: sums of (y - shift) and of its square.
struct alignas(16) TileSums {
  float count, shift, sum, squares;
};

/// Leaves the sums of `rows` rows of a stored tile with kColumns columns, of which `left` are the result's, by kThreads threads of which this is
/// `thread`. line(r) is row r, aligned to 16 bytes, or null where it is none of the image's; `count` are, the first one among them. sync() waits for
/// all these threads. Differences from a value of the tile keep their digits about any mean; each thread adds at most 43 of a column in f32.
template <class T, int kColumns, int kThreads, class Line, class Sync>
__device__ __forceinline__ void sum_stored_tile(int rows, int count, int left, Line&& line, Sync&& sync, int thread, TileSums* to) {
  constexpr int kChunk = kPack<T>, kPairs = kChunk / 2, kAcross = kColumns / kChunk, kDown = kThreads / kAcross, kAhead = 4;
  static_assert(kThreads % kAcross == 0);
  struct Sums { float sum, squares; };
  KIN_SHARED(Sums, partial, [kDown][kColumns / 2]);
  const int chunk = thread % kAcross, column = chunk * kChunk, first = thread / kAcross;
  Sums sums[kPairs] = {};
  if (column < left) {
    const auto reference = load_pack<kChunk>(line(0) + column);
    for (int r0 = first; r0 < rows; r0 += kAhead * kDown) {
      Pack<T, kChunk> lines[kAhead];  // several loads in flight
      bool inside[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        const int r = r0 + i * kDown;
        const T* from = r < rows ? line(r) : nullptr;
        inside[i] = from != nullptr;
        if (from) lines[i] = load_pack<kChunk>(from + column);
      }
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (!inside[i]) continue;
#pragma unroll
        for (int p = 0; p < kPairs; ++p)
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            const float d = float(lines[i][2 * p + e]) - float(reference[2 * p]);
            sums[p].sum += d;
            sums[p].squares += d * d;
          }
      }
    }
  }
#pragma unroll
  for (int p = 0; p < kPairs; ++p) partial[first][chunk * kPairs + p] = sums[p];
  sync();
  for (int pair = thread; pair < kColumns / 2 && 2 * pair < left; pair += kThreads) {
    Sums all{};
    for (int i = 0; i < kDown; ++i) all.sum += partial[i][pair].sum, all.squares += partial[i][pair].squares;
    to[pair] = {float(2 * count), float(line(0)[2 * pair]), all.sum, all.squares};
  }
  sync();
}

/// A result whose rows are its pixels, in tiles within one image: an image has a multiple of kRows.
template <class T>
struct RowsWithSums : MatrixResult<T> {
  TileSums* sums = nullptr;  // [rows / kRows, columns / 2]
  template <int kRows, int kColumns, int kThreads>
  __device__ void review(int row0, int column0) const {
    const int columns = int(this->pitch);
    const T* tile = this->data + int64_t(row0) * columns + column0;
    sum_stored_tile<T, kColumns, kThreads>(kRows, kRows, columns - column0, [=](int r) { return tile + int64_t(r) * columns; }, [] { __syncthreads(); },
                                           int(threadIdx.x), sums + int64_t(row0 / kRows) * (columns / 2) + column0 / 2);
  }
};

/// The sums of all tiles of a result [images, pixels, channels], as deviations from the shift of the group's first pair of columns in the first tile.
struct TileDeviations {
  const TileSums* sums;  // [images, tiles, columns]: so many of an image
  int64_t tiles, elements, columns, width;
  __device__ float shift(int64_t image, int64_t column) const { return sums[image * tiles * columns + column - column % width].shift; }
  __device__ SumPair operator()(int64_t image, int64_t tile, int64_t column) const {
    const TileSums s = sums[(image * tiles + tile) * columns + column];
    const double d = double(s.shift) - double(shift(image, column));
    return {s.sum + s.count * d, s.squares + 2 * d * s.sum + s.count * d * d};
  }
};

/// Room for the sums of all tiles.
class ResultSums {
 public:
  ResultSums(const Context& context, int64_t images, int64_t tiles, int64_t pixels, int64_t channels)
      : images_(images), tiles_(tiles), pixels_(pixels), pairs_(channels / 2),
        block_(context.device, size_t(images * tiles * pairs_) * sizeof(TileSums), context.stream) {}
  TileSums* data() const { return static_cast<TileSums*>(block_.data()); }
  /// When every tile has left its sums.
  void to(const Context& context, const OutputMoments& moments) const {
    constexpr int64_t kPiece = 1 << 11;  // pairs: small pieces, for a sum is one short loop and there are few of them
    moments_of_deviations(context, TileDeviations{data(), tiles_, 2 * pixels_, pairs_, pairs_ / moments.groups}, images_, tiles_, moments.moments, kPiece);
  }

 private:
  int64_t images_, tiles_, pixels_, pairs_;
  DeviceBlock block_;
};

}  // namespace kintsugi::KIN_GPU_NAMESPACE
