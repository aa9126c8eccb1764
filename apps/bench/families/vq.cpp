// The VQGAN's codebook (1024 codes of width 256), one image and a batch of 16, and a wide and flat one (8192 codes of width 3).
#include "kernels/vq.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// One product of all vectors with all codes; distances need not leave the chip.
Cost cost(const NearestCode& a) {
  return {2.0 * double(a.rows * a.codes * a.width) + 3.0 * double(a.rows * a.codes), bytes_of(a.dtype, double((a.rows + a.codes) * a.width)) + 8.0 * double(a.rows)};
}

auto nearest(int64_t rows, int64_t codes, int64_t width) {
  return [=](Arrays& x) {
    return NearestCode{x.normal(rows * width), x.normal(codes * width), x.out<int64_t>(rows), nullptr, nullptr, rows, codes, width, x.dtype()};
  };
}

const BenchRegistration vq(nearest_code_fwd, cost,
                           {{"256 vectors, 1024x256", nearest(256, 1024, 256), emulated(nearest(16, 256, 256))},
                            {"4096 vectors, 1024x256", nearest(4096, 1024, 256), nearest(256, 1024, 256), 1e-5, nearest(16, 256, 256)},
                            {"4096 vectors, 8192x3", nearest(4096, 8192, 3), emulated(nearest(16, 1024, 3))}});

}  // namespace
}  // namespace kintsugi::bench
