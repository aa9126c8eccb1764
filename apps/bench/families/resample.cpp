// Nearest doubling in the generator, and resizing of pictures.
#include "kernels/resample.h"

#include "apps/bench/case.h"
#include "kernels/resample_taps.h"

namespace kintsugi::bench {
namespace {

// Rows first, then columns: each output of either pass is its taps' multiply-adds.
Cost cost(const Resample2d& a) {
  const double row_taps = double(a.rows.offset[a.rows.out]), col_taps = double(a.cols.offset[a.cols.out]);
  const double images = double(a.n * a.c);
  return {2 * images * (row_taps * double(a.cols.in) + col_taps * double(a.rows.out)),
          bytes_of(a.dtype, images * (double(a.rows.in * a.cols.in) + double(a.rows.out * a.cols.out)))};
}

auto make(ResizeMode mode, int64_t from, int64_t to, int64_t channels, bool antialias = false) {
  return [=](Arrays& x) {
    const ResampleTaps taps = resize_taps(mode, from, to, false, antialias);
    const ResampleAxis axis{x.table(taps.offset), x.table(taps.index), x.table(taps.weight), from, to};
    return Resample2d{x.normal(from * from * channels), x.out(to * to * channels), 1, channels, axis, axis, x.dtype()};
  };
}

const BenchRegistration resample(resample2d, cost,
                           {{"nearest 256 -> 512, 128 channels", make(ResizeMode::nearest, 256, 512, 128), make(ResizeMode::nearest, 64, 128, 128), 1e-5, make(ResizeMode::nearest, 12, 24, 128)},
                            {"bilinear 512 -> 256, 3 channels", make(ResizeMode::bilinear, 512, 256, 3), emulated(make(ResizeMode::bilinear, 128, 64, 3))},
                            {"bicubic 512 -> 128, 3 channels, antialias", make(ResizeMode::bicubic, 512, 128, 3, true), emulated(make(ResizeMode::bicubic, 128, 32, 3, true))},
                            {"area 512 -> 128, 64 channels", make(ResizeMode::area, 512, 128, 64), make(ResizeMode::area, 128, 32, 64), 1e-5, make(ResizeMode::area, 32, 8, 64)}},
                           nullptr, false);  // the taps are counted where they lie

}  // namespace
}  // namespace kintsugi::bench
