// How the rows of the normalisations divide a map [n, positions, channels].
#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {

/// Positions of a sample in pieces of about 64 KiB, so that a second pass over a strip finds it in cache.
struct Strips {
  int64_t n, positions, channels, rows, per_sample;
  Strips(int64_t samples, int64_t positions_of_one, int64_t channels_of_one)
      : n(samples), positions(positions_of_one), channels(channels_of_one), rows(std::max<int64_t>(1, 16384 / std::max<int64_t>(1, channels))),
        per_sample((positions + rows - 1) / rows) {}

  int64_t rows_of(int64_t strip_of_sample) const { return std::min(rows, positions - strip_of_sample * rows); }

  /// f(strip, sample, offset of the first element, rows of this strip), in parallel.
  template <class F>
  void each(F&& f) const {
    parallel_for(n * per_sample, grain_for(std::min(rows, positions) * channels * 8), [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        const int64_t sample = s / per_sample, i = s % per_sample;
        f(s, sample, (sample * positions + i * rows) * channels, rows_of(i));
      }
    });
  }
};

}  // namespace kintsugi::cpu
