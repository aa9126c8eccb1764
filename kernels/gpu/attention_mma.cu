// Attention on the tensor cores, "mma": mma.sync on bf16, sums and softmax in f32. A warp owns 16 of the 64 rows and half of the columns; the
// weights are rounded to bf16 for the second product, as every fused attention does.
//
// FLOPs and bytes as in "tile", at two bytes per element. Floor at 256 tokens of 8 x 64 and batch 16: 3.9 us by bytes, 2.7 us by FLOPs at
// 790 TFLOP/s; backward 6.8 us by either. For 16 channels of the scores the 8 warps read 37 KB of fragments from shared memory, 288 clocks, and
// multiply for 128 clocks; for 16 keys of the mix 96 and 32. With the copies and the weights a block asks 3,500 clocks of shared memory, and there
// are 512 blocks for 132 multiprocessors. Prediction: limited by shared memory, 8 to 12 us forward and 30 to 45 us backward. What would come next is
// wgmma, which reads a tile once for four warps. Not yet measured.
#include "kernels/gpu/attention_tile.h"
#include "kernels/simt/ldmatrix.h"
#include "kernels/simt/mma.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

struct MmaCore {
  using Element = bf16;
  using Weight = bf16;
  using Tile = AttentionTile;
  static constexpr int kWeightPitch = Tile::kColumns + 8, kPitch = Tile::kPitch<bf16>;

  // d[j]: the 16 x 8 product whose first column is 8 j of the warp's half.
  struct Scores {
    static constexpr int kRows = 2, kColumns = 32;
    float d[16][4];
    __device__ float& at(int r, int c) { return d[c / 2][2 * r + c % 2]; }
    __device__ float at(int r, int c) const { return d[c / 2][2 * r + c % 2]; }
  };
  static __device__ int lane() { return int(threadIdx.x) % 32; }
  static __device__ int warp_row() { return int(threadIdx.x) / 32 % 4 * 16; }
  static __device__ int half() { return int(threadIdx.x) / 128; }
  static __device__ int row(int r) { return warp_row() + lane() / 4 + 8 * r; }
  static __device__ int column(int c) { return half() * 128 + c / 2 * 8 + lane() % 4 * 2 + c % 2; }
  static __device__ bool leads() { return half() == 0 && lane() % 4 == 0; }

  // Of four 8 x 8 matrices in 16 x 16 elements, where this lane's line begins: matrices down first, or across first.
  static __device__ int down_first(int pitch) { return (lane() / 8 % 2 * 8 + lane() % 8) * pitch + lane() / 16 * 8; }
  static __device__ int across_first(int pitch) { return (lane() / 16 * 8 + lane() % 8) * pitch + lane() / 8 % 2 * 8; }

  static __device__ __forceinline__ void multiply(Scores& s, const bf16* a, const bf16* b, int columns, int depth) {
    const int first = half() * 128;
#pragma unroll 1
    for (int d = 0; d < depth; d += 16) {
      uint32_t x[4];
      ldmatrix<4>(x, a + warp_row() * kPitch + d + down_first(kPitch));
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        if (first + 16 * j >= columns) break;
        uint32_t y[4];
        ldmatrix<4>(y, b + (first + 16 * j) * kPitch + d + across_first(kPitch));
        mma_bf16(s.d[2 * j], x, {y[0], y[1]});
        mma_bf16(s.d[2 * j + 1], x, {y[2], y[3]});
      }
    }
  }

  // Over the four lanes that share a row, then over the two warps.
  template <class Op>
  static __device__ __forceinline__ void reduce(float (&v)[2]) {
    KIN_SHARED(float, part, [2][Tile::kRows]);
    const Op op;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      v[r] = op(v[r], __shfl_xor_sync(kAllLanes, v[r], 1));
      v[r] = op(v[r], __shfl_xor_sync(kAllLanes, v[r], 2));
      if (lane() % 4 == 0) part[half()][row(r)] = v[r];
    }
    __syncthreads();
#pragma unroll
    for (int r = 0; r < 2; ++r) v[r] = op(part[0][row(r)], part[1][row(r)]);
    __syncthreads();  // nobody may write `part` for the next call before all have read it
  }

  static __device__ __forceinline__ void put(const Scores& s, bf16* weights, int columns) {
#pragma unroll
    for (int c = 0; c < 32; c += 2)
#pragma unroll
      for (int r = 0; r < 2; ++r)
        if (column(c) < columns)
          store_pack(reinterpret_cast<uint32_t*>(weights + row(r) * kWeightPitch + column(c)), Pack<uint32_t, 1>{packed_bf16(s.at(r, c), s.at(r, c + 1))});
  }

  // A warp makes its 16 rows of 32 channels.
  template <class Store>
  static __device__ __forceinline__ void mix(const bf16* weights, const bf16* b, int columns, int depth, Store&& store) {
    const int channel = half() * 32;
    float y[4][4] = {};
#pragma unroll 1
    for (int k = 0; k < columns; k += 16) {
      uint32_t w[4];
      ldmatrix<4>(w, weights + warp_row() * kWeightPitch + k + down_first(kWeightPitch));
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        if (channel + 16 * j >= depth) break;
        uint32_t x[4];
        ldmatrix<4, true>(x, b + k * kPitch + channel + 16 * j + down_first(kPitch));
        mma_bf16(y[2 * j], w, {x[0], x[1]});
        mma_bf16(y[2 * j + 1], w, {x[2], x[3]});
      }
    }
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int r = 0; r < 2; ++r) store(row(r), channel + 8 * j + lane() % 4 * 2, y[j][2 * r], y[j][2 * r + 1]);
  }
};

}  // namespace

void attention_fwd_mma(const Context& context, const AttentionFwd& a) { run_attention_fwd<MmaCore>(context, a); }
void attention_bwd_mma(const Context& context, const AttentionBwd& a) { run_attention_bwd<MmaCore>(context, a); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
