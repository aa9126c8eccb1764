#include "kernels/cpu/gemm.h"

namespace kintsugi::KIN_SIMD {
namespace {

// Accumulators fill the register file but for one row of B and one element of A: 14 x 2 + 2 + 1 of 32 registers, 6 x 2 + 2 + 1 of 16.
#if defined(KIN_SIMD_avx512)
constexpr int kRows = 14;
#else
constexpr int kRows = 6;
#endif
constexpr int kColumns = 2 * kLanes;

// M rows, V registers of columns. kPacked: the rows of A are neighbours (a_row = 1), else its depth is (a_depth = 1).
template <int M, int V, bool kPacked>
void tile(const GemmTile& t) {
  vec acc[M][V];
  for (int i = 0; i < M; ++i)
    for (int v = 0; v < V; ++v) acc[i][v] = vec{};
  const int64_t step_row = kPacked ? 1 : t.a_row, step_depth = kPacked ? t.a_depth : 1;
  for (int s = 0; s < t.segments; ++s) {
    const float* a = t.a + (t.a_segment ? t.a_segment[s] : 0);
    const float* b = t.b + (t.b_segment ? t.b_segment[s] : 0);
    for (int64_t k = 0; k < t.depth; ++k) {
      vec bv[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) bv[v] = load(b + v * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < M; ++i) {
        const float x = a[i * step_row];
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) acc[i][v] += x * bv[v];
      }
      a += step_depth;
      b += t.b_depth;
    }
  }
  if (t.bias)
    for (int v = 0; v < V; ++v) {
      const vec bias = load(t.bias + v * kLanes);
      for (int i = 0; i < M; ++i) acc[i][v] += bias;
    }
  for (int i = 0; i < M; ++i)
    for (int v = 0; v < V; ++v) {
      float* c = t.c + i * t.c_row + v * kLanes;
      store(c, t.accumulate ? load(c) + acc[i][v] : acc[i][v]);
    }
}

template <int V, bool kPacked, int M = kRows>
void tile_of(int m, const GemmTile& t) {
  if (m == M) tile<M, V, kPacked>(t);
  else if constexpr (M > 1) tile_of<V, kPacked, M - 1>(m, t);
}

template <int V>
void full(const GemmTile& t) {
  if (t.a_row == 1 && t.a_depth != 1) tile_of<V, true>(t.m, t);
  else tile_of<V, false>(t.m, t);
}

// A constant length becomes a few overlapping register moves.
template <int N = kColumns>
void copy_rows(float* dst, int64_t width, const float* src, int64_t k_stride, int64_t depth, int64_t n) {
  if (n == N)
    for (int64_t k = 0; k < depth; ++k) __builtin_memcpy(dst + k * width, src + k * k_stride, N * sizeof(float));
  else if constexpr (N > 1) copy_rows<N - 1>(dst, width, src, k_stride, depth, n);
}

typedef float vec4 __attribute__((vector_size(16)));
typedef float vec4_unaligned __attribute__((vector_size(16), aligned(4)));
vec4 load4(const float* p) { return *reinterpret_cast<const vec4_unaligned*>(p); }
void store4(float* p, vec4 v) { *reinterpret_cast<vec4_unaligned*>(p) = v; }

void transpose_4x4(float* dst, int64_t width, const float* src, int64_t j_stride) {
  typedef int32_t index __attribute__((vector_size(16)));
  const vec4 a = load4(src), b = load4(src + j_stride), c = load4(src + 2 * j_stride), d = load4(src + 3 * j_stride);
  const vec4 ab = __builtin_shuffle(a, b, index{0, 4, 1, 5}), cd = __builtin_shuffle(c, d, index{0, 4, 1, 5});
  const vec4 ab2 = __builtin_shuffle(a, b, index{2, 6, 3, 7}), cd2 = __builtin_shuffle(c, d, index{2, 6, 3, 7});
  store4(dst, __builtin_shuffle(ab, cd, index{0, 1, 4, 5}));
  store4(dst + width, __builtin_shuffle(ab, cd, index{2, 3, 6, 7}));
  store4(dst + 2 * width, __builtin_shuffle(ab2, cd2, index{0, 1, 4, 5}));
  store4(dst + 3 * width, __builtin_shuffle(ab2, cd2, index{2, 3, 6, 7}));
}

// In blocks of one cache line of depth, so that both sides stay in L1.
void transpose_into(float* dst, int64_t width, const float* src, int64_t j_stride, int64_t depth, int64_t n) {
  constexpr int64_t kBlock = 16;
  for (int64_t k0 = 0; k0 < depth; k0 += kBlock) {
    const int64_t k1 = k0 + kBlock < depth ? k0 + kBlock : depth;
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) {
      int64_t k = k0;
      for (; k + 4 <= k1; k += 4) transpose_4x4(dst + k * width + j, width, src + j * j_stride + k, j_stride);
      for (; k < k1; ++k)
        for (int64_t i = j; i < j + 4; ++i) dst[k * width + i] = src[i * j_stride + k];
    }
    for (; j < n; ++j)
      for (int64_t k = k0; k < k1; ++k) dst[k * width + j] = src[j * j_stride + k];
  }
}

}  // namespace

GemmShape gemm_shape() { return {kRows, kColumns}; }

void gemm_tile(const GemmTile& t) {
  const int width = t.n <= kLanes ? kLanes : kColumns;
  if (t.n == width) {
    if (width == kLanes) full<1>(t);
    else full<2>(t);
    return;
  }
  // Ragged columns: whole registers go to a buffer, the wanted part of it to C.
  alignas(64) float buffer[kRows * kColumns], bias[kColumns] = {};
  GemmTile whole = t;
  whole.n = width;
  whole.c = buffer;
  whole.c_row = width;
  whole.accumulate = false;
  if (t.bias) {
    for (int j = 0; j < t.n; ++j) bias[j] = t.bias[j];
    whole.bias = bias;
  }
  if (width == kLanes) full<1>(whole);
  else full<2>(whole);
  for (int i = 0; i < t.m; ++i)
    for (int j = 0; j < t.n; ++j) {
      float& c = t.c[i * t.c_row + j];
      c = t.accumulate ? c + buffer[i * width + j] : buffer[i * width + j];
    }
}

void gemm_pack(float* dst, int64_t width, const float* src, int64_t k_stride, int64_t j_stride, int64_t depth, int64_t n) {
  if (j_stride == 1) copy_rows(dst, width, src, k_stride, depth, n);
  else transpose_into(dst, width, src, j_stride, depth, n);
  if (n == width) return;
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t j = n; j < width; ++j) dst[k * width + j] = 0;
}

}  // namespace kintsugi::KIN_SIMD
