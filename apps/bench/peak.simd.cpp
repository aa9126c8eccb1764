#include "apps/bench/peak.h"

namespace kintsugi::bench::KIN_SIMD {

using namespace kintsugi::KIN_SIMD;

int fma_lanes() { return kLanes; }

void stream_copy(const float* from, float* to, int64_t n) {
#if defined(__x86_64__)
  typedef float quad __attribute__((vector_size(16)));
  for (int64_t i = 0; i < n; i += 16)
    for (int64_t k = 0; k < 16; k += 4) __builtin_ia32_movntps(to + i + k, *reinterpret_cast<const quad*>(from + i + k));
  __builtin_ia32_sfence();
#else
  for (int64_t i = 0; i < n; i += kLanes) store(to + i, load(from + i));
#endif
}

float fma_rounds(int64_t rounds, float factor) {
  // Baseline and AVX2 have 16 registers: two passes over half of the chains stay in them.
  constexpr int kRegisters = kLanes == 16 ? kChains : kChains / 2, kPasses = kChains / kRegisters;
  float total = 0;
  const vec f = splat(factor), g = splat(1.0f - factor);
  for (int pass = 0; pass < kPasses; ++pass) {
    vec s[kRegisters];
    for (int i = 0; i < kRegisters; ++i) s[i] = splat(1.0f + 0.01f * float(i));
    for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 24
      for (int i = 0; i < kRegisters; ++i) s[i] = s[i] * f + g;
    }
    for (int i = 0; i < kRegisters; ++i) total += s[i][0];
  }
  return total;
}

}  // namespace kintsugi::bench::KIN_SIMD
