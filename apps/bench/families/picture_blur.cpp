// The blur of the degradations: 41 x 41 weights on a face, and half as many on one of 256 pixels.
#include "kernels/picture_blur.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost cost(const PictureBlur& a) {
  const double elements = double(a.n * a.h * a.w * a.c);
  return {2 * elements * double(a.kh * a.kw), bytes_of(a.dtype, 2 * elements + double(a.n * a.kh * a.kw))};
}

auto make(int64_t n, int64_t size, int64_t side) {
  return [=](Arrays& x) {
    return PictureBlur{x.uniform(n * size * size * 3, 0, 1), x.out(n * size * size * 3), x.statistics(n * side * side, 0.5, 0.2), n, size, size, 3, side, side, x.dtype()};
  };
}

const BenchRegistration blur(picture_blur, cost, {{"41 x 41 @512", make(1, 512, 41), make(1, 80, 41), 1e-5, make(1, 24, 41)}, {"21 x 21 @256, 4 pictures", make(4, 256, 21), make(2, 40, 21), 1e-5, make(2, 16, 21)}});

}  // namespace
}  // namespace kintsugi::bench
