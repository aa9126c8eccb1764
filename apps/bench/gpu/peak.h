// Kernels that only compute: device_peak.cu for what each does, device_peak.h for what is made of them.
#pragma once
#include "kernels/table.h"

namespace kintsugi::bench {

inline constexpr int kPeakThreads = 256;
inline constexpr int kPeakChains = 16;  // independent multiply-adds of a thread: more than latency times rate
inline constexpr int kPeakTiles = 8;    // independent 16 x 8 products of a warp
inline constexpr int kWgmmaPeakShared = (2 * 64 * 64 + 256 * 64) * 2;  // bytes

struct PeakRun {
  int blocks = 0, rounds = 0;
  float* out = nullptr;  // [blocks * kPeakThreads], so that no compiler may leave the work out

  double threads() const { return double(blocks) * kPeakThreads; }
  double fma_flops() const { return 2.0 * kPeakChains * rounds * threads(); }
  double mma_flops() const { return 2.0 * 16 * 8 * 16 * kPeakTiles * rounds * threads() / 32; }
  double wgmma_flops() const { return 2.0 * 64 * 256 * 64 * rounds * threads() / 128; }
};

}  // namespace kintsugi::bench

namespace kintsugi {
#define KIN_PEAK(function)                                                    \
  namespace sim { void function(const Context&, const bench::PeakRun&); }     \
  namespace cuda { void function(const Context&, const bench::PeakRun&); }
KIN_PEAK(peak_fma)
KIN_PEAK(peak_mma)
KIN_PEAK(peak_wgmma)
#undef KIN_PEAK
}  // namespace kintsugi
