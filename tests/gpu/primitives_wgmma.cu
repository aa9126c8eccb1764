#include "kernels/simt/mbarrier.h"
#include "kernels/simt/named_barrier.h"
#include "kernels/simt/pack.h"
#include "kernels/simt/tma.h"
#include "kernels/simt/wgmma.h"
#include "tests/gpu/primitives.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

// Loads the box shifted by (dy, dx) and stores it unshifted.
__global__ void tma_shift_kernel(const __grid_constant__ TensorMap in, const __grid_constant__ TensorMap out, int dy, int dx, unsigned bytes) {
  KIN_DYNAMIC_SHARED(unsigned char, box);
  KIN_SHARED(MBarrier, full);
  if (threadIdx.x == 0) {
    mbarrier_init(&full, 1);
    mbarrier_fence_init();
    mbarrier_arrive_expect(&full, bytes);
    tma_load(box, in, &full, 0, dx, dy);
  }
  __syncthreads();
  mbarrier_wait(&full, 0);
  if (threadIdx.x == 0) {
    tma_store(out, box, 0, 0, 0);
    tma_store_commit();
    tma_store_wait<0>();
  }
}

constexpr int kTile = 64, kStages = 2;  // 64 x 64 bf16: rows of 128 bytes
constexpr unsigned kTileBytes = kTile * kTile * 2;

// One block per 64 x 64 tile of D. Warp 4 loads, warps 0..3 multiply.
template <bool kAlongN>
__global__ void __launch_bounds__(160) wgmma_kernel(const __grid_constant__ TensorMap a_map, const __grid_constant__ TensorMap b_map, float* d, int n, int k) {
  KIN_DYNAMIC_SHARED(bf16, tiles);
  KIN_SHARED(MBarrier, full, [kStages]);
  KIN_SHARED(MBarrier, empty, [kStages]);
  bf16 *a_tiles = tiles, *b_tiles = tiles + kStages * kTile * kTile;
  const int m0 = int(blockIdx.y) * kTile, n0 = int(blockIdx.x) * kTile, steps = k / kTile, t = int(threadIdx.x);
  if (t == 0) {
    for (int s = 0; s < kStages; ++s) {
      mbarrier_init(&full[s], 1);
      mbarrier_init(&empty[s], 128);
    }
    mbarrier_fence_init();
  }
  __syncthreads();
  if (t >= 128) {
    if (t == 128)
      for (int i = 0; i < steps; ++i) {
        const int s = i % kStages;
        mbarrier_wait(&empty[s], unsigned(i / kStages + 1) & 1);
        mbarrier_arrive_expect(&full[s], 2 * kTileBytes);
        tma_load(a_tiles + s * kTile * kTile, a_map, &full[s], i * kTile, m0);
        if (kAlongN) tma_load(b_tiles + s * kTile * kTile, b_map, &full[s], n0, i * kTile);
        else tma_load(b_tiles + s * kTile * kTile, b_map, &full[s], i * kTile, n0);
      }
    return;
  }
  float sums[kTile / 2];
  for (int i = 0; i < kTile / 2; ++i) sums[i] = 0;
  for (int i = 0; i < steps; ++i) {
    const int s = i % kStages;
    mbarrier_wait(&full[s], unsigned(i / kStages) & 1);
    wgmma_fence();
    for (int q = 0; q < kTile / 16; ++q) {
      const auto a = describe_tile(a_tiles + s * kTile * kTile + q * 16, 16, 1024, Swizzle::b128);
      if constexpr (kAlongN) {  // 16 rows of k are two groups of eight
        const auto b = describe_tile(b_tiles + s * kTile * kTile + q * 16 * kTile, 16, 1024, Swizzle::b128);
        wgmma_bf16<kTile, Major::k, Major::mn>(sums, a, b);
      } else {
        const auto b = describe_tile(b_tiles + s * kTile * kTile + q * 16, 16, 1024, Swizzle::b128);
        wgmma_bf16<kTile>(sums, a, b);
      }
    }
    wgmma_commit();
    wgmma_wait<0>(sums);
    mbarrier_arrive(&empty[s]);
  }
  for (int j = 0; j < kTile / 8; ++j)
    for (int h = 0; h < 2; ++h)
      for (int e = 0; e < 2; ++e) d[size_t(m0 + t / 32 * 16 + t % 32 / 4 + 8 * h) * n + n0 + 8 * j + 2 * (t % 4) + e] = sums[4 * j + 2 * h + e];
}

// A from registers, B without swizzle, written by ordinary stores.
__global__ void __launch_bounds__(128) wgmma_registers_kernel(const bf16* a, const bf16* b, float* d) {
  KIN_DYNAMIC_SHARED(bf16, b_tile);  // 8 x 8 core matrices: [k / 8][n / 8][n % 8][k % 8]
  const int t = int(threadIdx.x), warp = t / 32, g = t % 32 / 4, q = t % 4;
  for (int i = t; i < kTile * kTile; i += 128) {
    const int n = i / kTile, k = i % kTile;
    b_tile[((k / 8 * 8 + n / 8) * 8 + n % 8) * 8 + k % 8] = b[i];
  }
  fence_proxy_async();
  __syncthreads();
  float sums[kTile / 2];
  for (int i = 0; i < kTile / 2; ++i) sums[i] = 0;
  uint32_t ra[kTile / 16][4];  // all before the fence: between it and the wait no register of a product may change
  for (int s = 0; s < kTile / 16; ++s)
    for (int r = 0; r < 4; ++r) {
      const bf16* at = a + (16 * warp + g + 8 * (r % 2)) * kTile + 16 * s + 2 * q + 8 * (r / 2);
      ra[s][r] = packed_bf16(float(at[0]), float(at[1]));
    }
  wgmma_fence();
  for (int s = 0; s < kTile / 16; ++s)
    wgmma_bf16<kTile>(sums, ra[s], describe_tile(b_tile + s * 2 * 512, 1024, 128, Swizzle::none), s > 0);
  wgmma_commit();
  wgmma_wait<0>(sums);
  for (int j = 0; j < kTile / 8; ++j)
    for (int h = 0; h < 2; ++h)
      for (int e = 0; e < 2; ++e) d[(16 * warp + g + 8 * h) * kTile + 8 * j + 2 * q + e] = sums[4 * j + 2 * h + e];
}

__global__ void __launch_bounds__(128) wgmma_tf32_kernel(const __grid_constant__ TensorMap a_map, const __grid_constant__ TensorMap b_map, float* d) {
  KIN_DYNAMIC_SHARED(float, tiles);
  KIN_SHARED(MBarrier, full);
  const int t = int(threadIdx.x);
  if (t == 0) {
    mbarrier_init(&full, 1);
    mbarrier_fence_init();
    mbarrier_arrive_expect(&full, 2 * 64 * 32 * 4);
    tma_load(tiles, a_map, &full, 0, 0);
    tma_load(tiles + 64 * 32, b_map, &full, 0, 0);
  }
  __syncthreads();
  mbarrier_wait(&full, 0);
  float sums[32];
  for (int i = 0; i < 32; ++i) sums[i] = 0;
  wgmma_fence();
  for (int s = 0; s < 4; ++s)
    wgmma_tf32<64>(sums, describe_tile(tiles + 8 * s, 16, 1024, Swizzle::b128), describe_tile(tiles + 64 * 32 + 8 * s, 16, 1024, Swizzle::b128));
  wgmma_commit();
  wgmma_wait<0>(sums);
  for (int j = 0; j < 8; ++j)
    for (int h = 0; h < 2; ++h)
      for (int e = 0; e < 2; ++e) d[(16 * (t / 32) + t % 32 / 4 + 8 * h) * 64 + 8 * j + 2 * (t % 4) + e] = sums[4 * j + 2 * h + e];
}

TensorMap matrix_map(const void* base, DType dtype, int rows, int columns, int box_rows, int box_columns) {
  BoxShape s;
  s.rank = 2;
  s.sizes[0] = uint64_t(columns), s.sizes[1] = uint64_t(rows);
  s.pitch[0] = uint64_t(columns) * size_of(dtype);
  s.box[0] = unsigned(box_columns), s.box[1] = unsigned(box_rows);
  return make_tensor_map(base, dtype, s, Swizzle::b128);
}

}  // namespace

void tma_shift(const Context& c, const float* in, float* out, int height, int width, int channels, int dy, int dx) {
  BoxShape s;
  s.rank = 3;
  s.sizes[0] = s.box[0] = unsigned(channels), s.sizes[1] = s.box[1] = unsigned(width), s.sizes[2] = s.box[2] = unsigned(height);
  s.pitch[0] = uint64_t(channels) * 4, s.pitch[1] = uint64_t(width * channels) * 4;
  const unsigned bytes = s.elements() * 4;
  launch({1, 32, bytes, c.stream}, tma_shift_kernel, make_tensor_map(in, DType::f32, s, Swizzle::none), make_tensor_map(out, DType::f32, s, Swizzle::none),
         dy, dx, bytes);
}
void wgmma_bf16_product(const Context& c, const TileProduct& p, bool b_along_n) {
  const TensorMap a = matrix_map(p.a, DType::bf16, p.m, p.k, kTile, kTile);
  const TensorMap b = b_along_n ? matrix_map(p.b, DType::bf16, p.k, p.n, kTile, kTile) : matrix_map(p.b, DType::bf16, p.n, p.k, kTile, kTile);
  launch({{unsigned(p.n / kTile), unsigned(p.m / kTile)}, 160, 2 * kStages * kTileBytes, c.stream}, b_along_n ? wgmma_kernel<true> : wgmma_kernel<false>, a, b,
         p.d, p.n, p.k);
}
void wgmma_registers_product(const Context& c, const TileProduct& p) {
  launch({1, 128, kTileBytes, c.stream}, wgmma_registers_kernel, static_cast<const bf16*>(p.a), static_cast<const bf16*>(p.b), p.d);
}
void wgmma_tf32_product(const Context& c, const TileProduct& p) {
  launch({1, 128, 2 * 64 * 32 * 4, c.stream}, wgmma_tf32_kernel, matrix_map(p.a, DType::f32, 64, 32, 64, 32), matrix_map(p.b, DType::f32, 64, 32, 64, 32), p.d);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
