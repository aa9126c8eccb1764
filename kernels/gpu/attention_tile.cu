// Attention on the fp32 units, "tile": a warp owns 8 queries, a lane 8 of the keys (lane, lane + 32, ...), a thread 8 x 8 scores.
//
// FLOPs 4 n queries keys channels; backward 10, and 4 for the scores and g that the keys' kernel makes again. Bytes: q, k, v read and y written once;
// with a block per 64 queries K and V of a head are fetched up to four times, three of them from L2. Floor at 256 tokens of 8 x 64 and batch 16 in
// f32: 36 us by FLOPs at 60 TFLOP/s, 7.8 us by bytes; backward 89 us (125 with what is made again) and 14 us. Of four channels of the scores a
// thread makes 256 multiply-adds from 16 reads of 16 bytes, half of which are the same for all lanes: 40 wavefronts of shared memory beside 64 clocks
// of the fp32 units. The mix makes 64 from 12 reads, 16 wavefronts beside 16 clocks. Prediction: two thirds of the fp32 units' rate, for 149 KiB of
// shared memory leave a multiprocessor one block of 8 warps; "block" reads every key from the cache once per query. Not yet measured.
#include "kernels/gpu/attention_tile.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

template <class T>
struct TileCore {
  using Element = T;
  using Weight = float;
  using Tile = AttentionTile;
  static constexpr int kWeightPitch = Tile::kColumns, kPitch = Tile::kPitch<T>;

  struct Scores {
    static constexpr int kRows = 8, kColumns = 8;
    float v[kRows][kColumns];
    __device__ float& at(int r, int c) { return v[r][c]; }
    __device__ float at(int r, int c) const { return v[r][c]; }
  };
  static __device__ int lane() { return int(threadIdx.x) % 32; }
  static __device__ int row(int r) { return int(threadIdx.x) / 32 * 8 + r; }
  static __device__ int column(int c) { return lane() + 32 * c; }
  static __device__ bool leads() { return lane() == 0; }

  static __device__ __forceinline__ void multiply(Scores& s, const T* a, const T* b, int columns, int depth) {
    constexpr int kStep = kPack<T>;
#pragma unroll 1
    for (int d = 0; d < depth; d += kStep) {
      Pack<T, kStep> x[8];
#pragma unroll
      for (int r = 0; r < 8; ++r) x[r] = load_pack<kStep>(a + row(r) * kPitch + d);
#pragma unroll
      for (int c = 0; c < 8; ++c) {
        if (32 * c >= columns) break;
        const Pack<T, kStep> y = load_pack<kStep>(b + column(c) * kPitch + d);
#pragma unroll
        for (int k = 0; k < kStep; ++k)
#pragma unroll
          for (int r = 0; r < 8; ++r) s.v[r][c] += float(x[r][k]) * float(y[k]);
      }
    }
  }

  template <class Op>
  static __device__ __forceinline__ void reduce(float (&v)[8]) {
#pragma unroll
    for (int r = 0; r < 8; ++r) v[r] = warp_reduce<Op>(v[r]);
  }

  static __device__ __forceinline__ void put(const Scores& s, float* weights, int columns) {
#pragma unroll
    for (int c = 0; c < 8; ++c)
#pragma unroll
      for (int r = 0; r < 8; ++r)
        if (32 * c < columns) weights[row(r) * kWeightPitch + column(c)] = s.v[r][c];
  }

  // A lane owns two channels of its warp's eight rows.
  template <class Store>
  static __device__ __forceinline__ void mix(const float* weights, const T* b, int columns, int depth, Store&& store) {
    const int channel = 2 * lane();
    if (channel >= depth) return;
    float y[8][2] = {};
#pragma unroll 1
    for (int j = 0; j < columns; j += 4) {
      Pack<T, 2> x[4];
#pragma unroll
      for (int k = 0; k < 4; ++k) x[k] = load_pack<2>(b + (j + k) * kPitch + channel);
#pragma unroll
      for (int r = 0; r < 8; ++r) {
        const Pack<float, 4> w = load_pack<4>(weights + row(r) * kWeightPitch + j);
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          y[r][0] += w[k] * float(x[k][0]);
          y[r][1] += w[k] * float(x[k][1]);
        }
      }
    }
#pragma unroll
    for (int r = 0; r < 8; ++r) store(row(r), channel, y[r][0], y[r][1]);
  }
};

}  // namespace

void attention_fwd_tile(const Context& context, const AttentionFwd& a) {
  visit_f32_or_bf16(a.dtype, "attention_fwd", [&]<class T>() { run_attention_fwd<TileCore<T>>(context, a); });
}
void attention_bwd_tile(const Context& context, const AttentionBwd& a) {
  run_attention_bwd<TileCore<float>>(context, a);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
