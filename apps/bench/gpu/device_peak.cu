// What nothing on a GPU is faster than: multiply-adds in registers, and tensor cores fed from registers (mma.sync) or from shared memory
// that never changes (wgmma). No bytes move.
#include "apps/bench/gpu/peak.h"
#include "kernels/simt/mbarrier.h"
#include "kernels/simt/mma.h"
#include "kernels/simt/simt.h"
#include "kernels/simt/wgmma.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

using namespace bench;

__global__ void __launch_bounds__(kPeakThreads) fma_rounds(float* out, int rounds, float factor) {
  float x[kPeakChains];
#pragma unroll
  for (int c = 0; c < kPeakChains; ++c) x[c] = float(threadIdx.x + c);
  for (int r = 0; r < rounds; ++r)
#pragma unroll
    for (int c = 0; c < kPeakChains; ++c) x[c] = fmaf(x[c], factor, 0.5f);
  float sum = 0;
#pragma unroll
  for (int c = 0; c < kPeakChains; ++c) sum += x[c];
  out[blockIdx.x * kPeakThreads + threadIdx.x] = sum;
}

__global__ void __launch_bounds__(kPeakThreads) mma_rounds(float* out, int rounds, uint32_t pair) {
  float sums[kPeakTiles][4] = {};
  const uint32_t a[4] = {pair, pair + threadIdx.x, pair, pair + 1}, b[2] = {pair, pair + 2};
  for (int r = 0; r < rounds; ++r)
#pragma unroll
    for (int t = 0; t < kPeakTiles; ++t) mma_bf16(sums[t], a, b);
  float sum = 0;
#pragma unroll
  for (int t = 0; t < kPeakTiles; ++t) sum += sums[t][0] + sums[t][1] + sums[t][2] + sums[t][3];
  out[blockIdx.x * kPeakThreads + threadIdx.x] = sum;
}

// Two warpgroups, each 64 x 256 x 64 per round: A is its own, B is shared.
__global__ void __launch_bounds__(kPeakThreads) wgmma_rounds(float* out, int rounds, float value) {
  KIN_DYNAMIC_SHARED(bf16, tiles);  // A 2 x 64 x 64, B 256 x 64
  const int t = int(threadIdx.x);
  for (int i = t; i < kWgmmaPeakShared / 2; i += kPeakThreads) tiles[i] = bf16(i % 2 ? value : -value);
  fence_proxy_async();
  __syncthreads();
  const bf16 *a_tile = tiles + t / 128 * 64 * 64, *b_tile = tiles + 2 * 64 * 64;
  float sums[128];
#pragma unroll
  for (int i = 0; i < 128; ++i) sums[i] = 0;
  wgmma_fence();
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int q = 0; q < 4; ++q)
      wgmma_bf16<256>(sums, describe_tile(a_tile + q * 16, 16, 1024, Swizzle::b128), describe_tile(b_tile + q * 16, 16, 1024, Swizzle::b128));
    wgmma_commit();
  }
  wgmma_wait<0>(sums);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 128; ++i) sum += sums[i];
  out[blockIdx.x * kPeakThreads + threadIdx.x] = sum;
}

}  // namespace

void peak_fma(const Context& context, const PeakRun& p) {
  launch({unsigned(p.blocks), kPeakThreads, 0, context.stream}, fma_rounds, p.out, p.rounds, 0.999f);
}
void peak_mma(const Context& context, const PeakRun& p) {
  launch({unsigned(p.blocks), kPeakThreads, 0, context.stream}, mma_rounds, p.out, p.rounds, 0x3c003c00u);
}
void peak_wgmma(const Context& context, const PeakRun& p) {
  launch({unsigned(p.blocks), kPeakThreads, size_t(kWgmmaPeakShared), context.stream}, wgmma_rounds, p.out, p.rounds, 0.01f);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
