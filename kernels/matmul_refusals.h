// What the GPU rows of matmul take.
#pragma once
#include "kernels/gpu_rows.h"
#include "kernels/matmul.h"

namespace kintsugi {

/// Whether every line of both operands can be moved in chunks of `width` elements from 16-byte (for bf16 and width 8, or f32 and 4) addresses.
inline bool matmul_lines_of(const Matmul& p, int64_t width) {
  const auto whole = [&](int64_t n) { return n % width == 0; };
  const auto aligned = [](const void* at) { return reinterpret_cast<uintptr_t>(at) % 16 == 0; };
  return whole(p.ta ? p.m : p.k) && whole(p.tb ? p.k : p.n) && whole(p.stride_a) && whole(p.stride_b) && aligned(p.a) && aligned(p.b);
}

/// The kernels count rows, columns and depths in 32 bits, and products by the third axis of the grid.
inline const char* matmul_too_large(const Matmul& p) {
  constexpr int64_t kMost = (int64_t(1) << 31) - 1024;
  const int64_t deepest = p.stride_c == 0 ? p.k * p.batch : p.k;
  if (p.m * p.batch > kMost || p.n > 65535 * 16 || deepest > kMost) return "needs sizes below 2^31, and of n below 2^20";
  if (p.batch > 65535) return "needs at most 65535 matrices";
  return nullptr;
}

inline const char* matmul_needs_tiles(const Matmul& p) {
  if (const char* why = f32_or_bf16(p)) return why;
  return matmul_too_large(p);
}

/// Tiles of 128 x 64 outputs: below 8 columns or 8 rows most of their work is wasted.
inline const char* matmul_needs_large_tiles(const Matmul& p) {
  if (const char* why = f32_only(p)) return why;
  if (p.m < 8 || p.n < 8) return "needs at least 8 rows and 8 columns";
  return matmul_too_large(p);
}

inline const char* matmul_needs_bf16_lines(const Matmul& p) {
  if (p.dtype != DType::bf16) return "needs bf16";
  if (p.m < 8 || p.n < 8) return "needs at least 8 rows and 8 columns";
  if (!matmul_lines_of(p, 8)) return "needs lines in multiples of 8, and matrices aligned to 16 bytes";
  return matmul_too_large(p);
}

inline const char* matmul_needs_wgmma(const Matmul& p) {
  if (const char* why = matmul_needs_bf16_lines(p)) return why;
  if (p.k < 8 || p.n < 32) return "needs sums of at least 8 terms and at least 32 columns";
  return needs_hopper();
}

}  // namespace kintsugi
