// Output pixels in patches of bn images x bh lines x bw columns, powers of two: what one TMA box can fetch for any tap.
#pragma once
#include <cstdint>

#include "kernels/base/fast_divisor.h"

namespace kintsugi {

struct PatchGrid {
  int log_w = 0, log_h = 0, log_n = 0;   // of one patch
  int across = 0, down = 0, deep = 0;    // patches
  FastDivisor by_across, by_down;

  struct At { int n, y, x; };

  constexpr PatchGrid() = default;
  /// Patches of `pixels` (a power of two, at most 256) pixels over images of h x w: as wide as the image up to 16, then as high, then deep.
  constexpr PatchGrid(int64_t n, int64_t h, int64_t w, int pixels) {
    int log = 0;
    while ((1 << log) < pixels) ++log;
    while (log_w < 4 && log_w < log && (1 << log_w) < w) ++log_w;
    while (log_w + log_h < log && (1 << log_h) < h) ++log_h;
    log_n = log - log_w - log_h;
    across = count(w, log_w);
    down = count(h, log_h);
    deep = count(n, log_n);
    by_across = FastDivisor(across);
    by_down = FastDivisor(down);
  }
  constexpr int patches() const { return across * down * deep; }
  /// The first pixel of a patch.
  constexpr At patch(int i) const {
    const int line = by_across.quotient(i), n = by_down.quotient(line);
    return {n << log_n, by_down.remainder(line, n) << log_h, by_across.remainder(i, line) << log_w};
  }
  /// Pixel i of the patch that begins at `first`; it may lie outside the image.
  constexpr At pixel(At first, int i) const {
    return {first.n + (i >> (log_w + log_h)), first.y + (i >> log_w & ((1 << log_h) - 1)), first.x + (i & ((1 << log_w) - 1))};
  }

 private:
  static constexpr int count(int64_t size, int log) { return int((size + (int64_t(1) << log) - 1) >> log); }
};

}  // namespace kintsugi
