// The generator's upsampling convolutions at 512x512, named by the size of their result.
#include "kernels/conv2d_up2.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// A 3x3 convolution of the upsampled image, whatever a row does.
Cost cost(const Conv2dUp2Fwd& a) {
  const double x = double(a.n * a.h * a.w * a.c), y = double(4 * a.n * a.h * a.w * a.o), w = double(9 * a.o * a.c);
  return {18 * y * double(a.c), bytes_of(a.dtype, x + y + w)};
}

auto make(int64_t channels, int64_t size) {
  return [=](Arrays& a) {
    Conv2dUp2Fwd p{};
    p.dtype = a.dtype();
    p.n = 1, p.h = p.w = size / 2, p.c = p.o = channels;
    p.x = a.normal(p.h * p.w * channels), p.weight = a.normal(channels * 9 * channels, 0, 0.05), p.bias = a.normal(channels);
    p.y = a.out(size * size * channels);
    return p;
  };
}

const BenchRegistration up2(conv2d_up2_fwd, cost,
                           {{"128 to @512", make(128, 512), make(128, 32), 2e-5, make(128, 16)},
                            {"256 to @128", make(256, 128), make(256, 32), 2e-5, make(256, 16)},
                            {"512 to @32", make(512, 32), make(512, 16), 2e-5, make(512, 8)}});

}  // namespace
}  // namespace kintsugi::bench
