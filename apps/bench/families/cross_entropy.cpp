// Code prediction: 1024 classes for 256 tokens of 16 images.
#include "kernels/cross_entropy.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Maximum, exponential and sum, then the gradient in the same visit.
Cost cost(const CrossEntropy& a) {
  const double count = double(a.rows * a.classes);
  return {(a.glogits ? 6 : 4) * count, bytes_of(a.dtype, (a.glogits ? 2 : 1) * count) + 8 * double(a.rows)};
}

auto make(int64_t rows, int64_t classes, bool gradient) {
  return [=](Arrays& x) {
    return CrossEntropy{x.normal(rows * classes), x.below<int64_t>(rows, classes), x.out(1), gradient ? x.out(rows * classes) : nullptr, rows, classes, 0, x.dtype()};
  };
}

const BenchRegistration loss(cross_entropy_fwd, cost,
                           {{"256x1024 with gradient", make(256, 1024, true), emulated(make(32, 1024, true))},
                            {"4096x1024 with gradient", make(4096, 1024, true), emulated(make(32, 1024, true))},
                            {"4096x1024", make(4096, 1024, false), emulated(make(32, 1024, false))}});

}  // namespace
}  // namespace kintsugi::bench
