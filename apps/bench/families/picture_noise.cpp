// Noise on shrunken faces.
#include "kernels/picture_noise.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Ten rounds of Philox, a logarithm, a root and a sine as 100.
Cost cost(const PictureNoise& a) { return {100.0 * double(a.n * a.count), f32_bytes(2.0 * double(a.n * a.count))}; }

auto make(int64_t n, int64_t size) {
  return [=](Arrays& x) {
    std::vector<NoiseStream> streams;
    for (int64_t i = 0; i < n; ++i) streams.push_back({1, uint64_t(i)});
    return PictureNoise{x.uniform(n * size * size * 3, 0, 1), x.out(n * size * size * 3), x.keep(std::move(streams)).data(), x.uniform(n, 0, 0.1), n, size * size * 3};
  };
}

const BenchRegistration noise(picture_noise, cost, {{"128 x 128, 4 pictures", make(4, 128)}});

}  // namespace
}  // namespace kintsugi::bench
