// Small kernels, one per primitive of kernels/simt that wraps PTX. Compiled like kernels/gpu: emulated always, by nvcc where it is found;
// the tests compare the twin with plain loops, and on a machine with a GPU the instruction with its twin.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// Operands and result of one product, all row-major: a [m][k], b [n][k] (or [k][n], see the functions), d [m][n] f32.
struct TileProduct {
  const void *a, *b;
  float* d;
  int m, n, k;
};

#define KIN_PRIMITIVE(function, ...)                                                \
  namespace sim { void function(const Context&, __VA_ARGS__); } \
  namespace cuda { void function(const Context&, __VA_ARGS__); } \
  static_assert(true)

KIN_PRIMITIVE(mma_bf16_tile, const TileProduct&);         // a, b bf16, 16 x 8 x 16
KIN_PRIMITIVE(mma_tf32_tile, const TileProduct&);         // a, b f32, 16 x 8 x 8
KIN_PRIMITIVE(ldmatrix_round_trip, const void* in, void* out, bool transposed);  // 32 x 8 bf16, out[8 m + r][c] by registers
KIN_PRIMITIVE(cp_async_sum, const float* in, float* out, int tiles, int valid);   // out[i] = sum over tiles of in[128 t + i], t < valid
KIN_PRIMITIVE(tma_shift, const float* in, float* out, int height, int width, int channels, int dy, int dx);  // [H][W][C], zero padding
KIN_PRIMITIVE(cluster_multicast, const float* in, float* out, int rounds);  // out[rank][64] = sum of (r + 1 + rank) in[r][64]: 2 blocks that share their loads
KIN_PRIMITIVE(wgmma_bf16_product, const TileProduct&, bool b_along_n);  // TMA + mbarrier + wgmma; m, n multiples of 64, k of 64
KIN_PRIMITIVE(wgmma_registers_product, const TileProduct&);            // A in registers; 64 x 64 x 64
KIN_PRIMITIVE(wgmma_tf32_product, const TileProduct&);                 // f32; 64 x 64 x 32

}  // namespace kintsugi
