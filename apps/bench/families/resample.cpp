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
          f32_bytes(images * (double(a.rows.in * a.cols.in) + double(a.rows.out * a.cols.out)))};
}

auto make(ResizeMode mode, int64_t from, int64_t to, int64_t channels, bool antialias = false) {
  return [=](Arrays& x) {
    const ResampleAxis axis = x.keep(resize_taps(mode, from, to, false, antialias)).axis();
    return Resample2d{x.normal(from * from * channels), x.out(to * to * channels), 1, channels, axis, axis, DType::f32};
  };
}

const BenchRegistration resample(resample2d, cost,
                                 {{"nearest 256 -> 512, 128 channels", make(ResizeMode::nearest, 256, 512, 128), make(ResizeMode::nearest, 64, 128, 128)},
                                  {"bilinear 512 -> 256, 3 channels", make(ResizeMode::bilinear, 512, 256, 3)},
                                  {"bicubic 512 -> 128, 3 channels, antialias", make(ResizeMode::bicubic, 512, 128, 3, true)},
                                  {"area 512 -> 128, 64 channels", make(ResizeMode::area, 512, 128, 64), make(ResizeMode::area, 128, 32, 64)}});

}  // namespace
}  // namespace kintsugi::bench
