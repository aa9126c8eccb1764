// Noise on shrunken faces.
#include "kernels/picture_noise.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Ten rounds of Philox, a logarithm, a root and a sine as 100.
Cost cost(const PictureNoise& a) { return {100.0 * double(a.n * a.count), bytes_of(a.dtype, 2.0 * double(a.n * a.count))}; }

auto make(int64_t n, int64_t size) {
  return [=](Arrays& x) {
    std::vector<int64_t> streams;  // pairs of seed and stream
    for (int64_t i = 0; i < n; ++i) streams.insert(streams.end(), {1, i});
    const auto* stream = reinterpret_cast<const NoiseStream*>(x.table(streams));
    return PictureNoise{x.uniform(n * size * size * 3, 0, 1), x.out(n * size * size * 3), stream, x.statistics(n, 0.05, 0.01), n, size * size * 3, x.dtype()};
  };
}

const BenchRegistration noise(picture_noise, cost, {{"128 x 128, 4 pictures", make(4, 128), emulated(make(2, 64))}});

}  // namespace
}  // namespace kintsugi::bench
