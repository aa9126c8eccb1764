// Permutations: checkpoint weights and pictures to our layout, heads of attention apart, channels joined.
#include "kernels/strided_copy.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost cost(const StridedCopy& a) { return {0, 2.0 * double(size_of(a.dtype)) * double(a.walk.count())}; }

/// Swaps the two axes of each of `outer` arrays [rows, cols], with `inner` elements kept together.
auto transpose(int64_t outer, int64_t rows, int64_t cols, int64_t inner) {
  return [=](Arrays& x) {
    StridedCopy a;
    a.dtype = x.dtype();
    const int64_t count = outer * rows * cols * inner;
    a.src = x.normal(count), a.dst = x.out(count);
    a.walk.push(outer, rows * cols * inner, rows * cols * inner);
    a.walk.push(cols, rows * inner, inner);
    a.walk.push(rows, inner, cols * inner);
    a.walk.push(inner, 1, 1);
    a.walk.coalesce();
    return a;
  };
}

const BenchRegistration copies(strided_copy, cost,
                           {{"NCHW to NHWC, 64 @512", transpose(1, 64, 512 * 512, 1), emulated(transpose(1, 64, 512, 1))},
                            {"heads apart, 256x8x64", transpose(1, 256, 8, 64), emulated(transpose(1, 64, 8, 64))},
                            {"OIHW to OHWI, 512x512x3x3", transpose(512, 512, 9, 1), emulated(transpose(8, 512, 9, 1))}});

}  // namespace
}  // namespace kintsugi::bench
