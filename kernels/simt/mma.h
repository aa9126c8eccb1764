// mma.sync (sm_80): one warp's product of small tiles on the tensor cores, D += A B with f32 sums.
// With g = lane / 4 and t = lane % 4 (PTX ISA, "Matrix fragments for mma.m16n8k16" and "mma.m16n8k8"):
//   D 16x8    d[0], d[1]: (g, 2t), (g, 2t + 1)      d[2], d[3]: the same of row g + 8
//   bf16 16x8x16, two elements per register:  A 16x16  a[0]: (g, 2t), (g, 2t + 1)   a[1]: row g + 8   a[2]: columns + 8   a[3]: both
//                                             B 16x8   b[0]: (2t, g), (2t + 1, g)   b[1]: rows + 8
//   tf32 16x8x8, one element per register:    A 16x8   a[0]: (g, t)   a[1]: row g + 8   a[2]: column + 4   a[3]: both
//                                             B 8x8    b[0]: (t, g)   b[1]: row + 4
// The twin multiplies exactly and sums in f64 before it rounds to f32; the hardware's sums are a little less exact.
#pragma once
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// Rounded to tf32 (10 bits of mantissa, ties away from zero), as the bits that mma_tf32 takes. Unrounded bits are cut off.
__device__ __forceinline__ uint32_t to_tf32(float x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  uint32_t r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
  return r;
#else
  const uint32_t u = __float_as_uint(x);
  return (u & 0x7f800000u) == 0x7f800000u ? u : (u + 0x1000u) & 0xffffe000u;
#endif
}

#ifdef __CUDACC__

__device__ __forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
__device__ __forceinline__ void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

#else

namespace detail {
struct MmaCall : WarpCall {
  float* d;
  const uint32_t *a, *b;
};
inline float bf16_half(uint32_t v, int half) { return std::bit_cast<float>(half ? v & 0xffff0000u : v << 16); }
inline float tf32_value(uint32_t v) { return std::bit_cast<float>(v & 0xffffe000u); }

// kDepth = 16: bf16; 8: tf32.
template <int kDepth>
void multiply_tiles(WarpCall* const* lanes) {
  const auto call = [&](int lane) { return static_cast<MmaCall*>(lanes[lane]); };
  float a[16][kDepth], b[kDepth][8];
  for (int l = 0; l < 32; ++l) {
    const int g = l / 4, t = l % 4;
    for (int r = 0; r < 4; ++r)
      for (int e = 0; e < kDepth / 8; ++e) {
        if constexpr (kDepth == 16) a[g + 8 * (r % 2)][2 * t + e + 8 * (r / 2)] = bf16_half(call(l)->a[r], e);
        else a[g + 8 * (r % 2)][t + 4 * (r / 2)] = tf32_value(call(l)->a[r]);
      }
    for (int r = 0; r < 2; ++r)
      for (int e = 0; e < kDepth / 8; ++e) {
        if constexpr (kDepth == 16) b[2 * t + e + 8 * r][g] = bf16_half(call(l)->b[r], e);
        else b[t + 4 * r][g] = tf32_value(call(l)->b[r]);
      }
  }
  for (int l = 0; l < 32; ++l)
    for (int i = 0; i < 4; ++i) {
      const int row = l / 4 + 8 * (i / 2), column = 2 * (l % 4) + i % 2;
      double sum = call(l)->d[i];
      for (int k = 0; k < kDepth; ++k) sum += double(a[row][k]) * b[k][column];
      call(l)->d[i] = float(sum);
    }
}
}  // namespace detail

inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const Site& site = Site::current()) {
  detail::MmaCall call{{0xffffffffu, detail::multiply_tiles<16>, "mma_bf16", site}, d, a, b};
  simt::warp_collective(call);
}
inline void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const Site& site = Site::current()) {
  detail::MmaCall call{{0xffffffffu, detail::multiply_tiles<8>, "mma_tf32", site}, d, a, b};
  simt::warp_collective(call);
}

#endif

}  // namespace kintsugi::KIN_GPU_NAMESPACE
