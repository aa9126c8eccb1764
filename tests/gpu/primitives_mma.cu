#include "kernels/simt/cp_async.h"
#include "kernels/simt/ldmatrix.h"
#include "kernels/simt/mma.h"
#include "kernels/simt/pack.h"
#include "tests/gpu/primitives.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

__global__ void mma_bf16_kernel(const bf16* a, const bf16* b, float* d) {
  KIN_SHARED(bf16, a_tile, [16][16]);
  KIN_SHARED(bf16, b_tile, [8][16]);
  const int l = int(threadIdx.x);
  store_pack<8>(&a_tile[l / 2][l % 2 * 8], load_pack<8>(a + l * 8));
  if (l < 16) store_pack<8>(&b_tile[l / 2][l % 2 * 8], load_pack<8>(b + l * 8));
  __syncwarp();
  uint32_t ra[4], rb[2];
  ldmatrix<4>(ra, &a_tile[l % 16][l / 16 * 8]);
  ldmatrix<2>(rb, &b_tile[l % 8][l / 8 % 2 * 8]);
  float sums[4] = {};
  mma_bf16(sums, ra, rb);
  for (int i = 0; i < 4; ++i) d[(l / 4 + 8 * (i / 2)) * 8 + 2 * (l % 4) + i % 2] = sums[i];
}

__global__ void mma_tf32_kernel(const float* a, const float* b, float* d) {
  const int l = int(threadIdx.x), g = l / 4, t = l % 4;
  const uint32_t ra[4] = {to_tf32(a[g * 8 + t]), to_tf32(a[(g + 8) * 8 + t]), to_tf32(a[g * 8 + t + 4]), to_tf32(a[(g + 8) * 8 + t + 4])};
  const uint32_t rb[2] = {to_tf32(b[g * 8 + t]), to_tf32(b[g * 8 + t + 4])};
  float sums[4] = {};
  mma_tf32(sums, ra, rb);
  for (int i = 0; i < 4; ++i) d[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2] = sums[i];
}

template <bool kTransposed>
__global__ void ldmatrix_kernel(const bf16* in, bf16* out) {
  KIN_SHARED(bf16, tile, [32][8]);
  KIN_SHARED(bf16, again, [32][8]);
  const int l = int(threadIdx.x);
  store_pack<8>(tile[l], load_pack<8>(in + l * 8));
  __syncwarp();
  uint32_t r[4];
  ldmatrix<4, kTransposed>(r, tile[l]);
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  stmatrix(again[l], r);
#else
  for (int m = 0; m < 4; ++m) *reinterpret_cast<uint32_t*>(&again[8 * m + l / 4][2 * (l % 4)]) = r[m];
#endif
  __syncwarp();
  store_pack<8>(out + l * 8, load_pack<8>(again[l]));
}

// Three stages of 128 elements; two copies are in flight while one tile is summed.
__global__ void cp_async_kernel(const float* in, float* out, int tiles, int valid) {
  constexpr int kStages = 3;
  KIN_SHARED(float, stage, [kStages][128]);
  const int l = int(threadIdx.x);
  const auto issue = [&](int t) {
    if (t < tiles) cp_async<16>(&stage[t % kStages][4 * l], in + 128 * t + 4 * l, t < valid);
    cp_async_commit();
  };
  for (int t = 0; t < kStages - 1; ++t) issue(t);
  float sums[4] = {};
  for (int t = 0; t < tiles; ++t) {
    cp_async_wait<kStages - 2>();
    __syncthreads();
    issue(t + kStages - 1);
    for (int i = 0; i < 4; ++i) sums[i] += stage[t % kStages][32 * i + l];  // what other threads copied
  }
  for (int i = 0; i < 4; ++i) out[32 * i + l] = sums[i];
}

}  // namespace

void mma_bf16_tile(const Context& c, const TileProduct& p) {
  launch({1, 32, 0, c.stream}, mma_bf16_kernel, static_cast<const bf16*>(p.a), static_cast<const bf16*>(p.b), p.d);
}
void mma_tf32_tile(const Context& c, const TileProduct& p) {
  launch({1, 32, 0, c.stream}, mma_tf32_kernel, static_cast<const float*>(p.a), static_cast<const float*>(p.b), p.d);
}
void ldmatrix_round_trip(const Context& c, const void* in, void* out, bool transposed) {
  launch({1, 32, 0, c.stream}, transposed ? ldmatrix_kernel<true> : ldmatrix_kernel<false>, static_cast<const bf16*>(in), static_cast<bf16*>(out));
}
void cp_async_sum(const Context& c, const float* in, float* out, int tiles, int valid) {
  launch({1, 32, 0, c.stream}, cp_async_kernel, in, out, tiles, valid);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
