// Rounding of a batch to 8 bits.
#include "kernels/picture_levels.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost cost(const PictureLevels& a) { return {5.0 * double(a.n), bytes_of(a.dtype, 2.0 * double(a.n))}; }

auto make(int64_t count) {
  return [=](Arrays& x) { return PictureLevels{x.uniform(count, 0, 1), x.out(count), count, x.dtype()}; };
}

const BenchRegistration levels(picture_levels, cost, {{"512 x 512 x 3", make(512 * 512 * 3), emulated(make(40000))}});

}  // namespace
}  // namespace kintsugi::bench
