// The loops that nothing is faster than: fused multiply-adds in registers, and a copy past the cache.
#pragma once
#include "kernels/base/simd.h"

namespace kintsugi::bench {

/// Registers that fma_rounds works on.
inline constexpr int kChains = 24;  // enough independent sums to cover latency times ports, few enough for 32 registers

/// `rounds` times one multiply-add in each of kChains registers; returns a number that depends on all of them.
KIN_SIMD_DECLARE(float, fma_rounds, int64_t rounds, float factor)
/// Floats in one register.
KIN_SIMD_DECLARE(int, fma_lanes)

/// to[i] = from[i], both aligned to 64 bytes, n a multiple of 16. Stores go past the cache, so that nothing is read only to be overwritten.
KIN_SIMD_DECLARE(void, stream_copy, const float* from, float* to, int64_t n)

}  // namespace kintsugi::bench
