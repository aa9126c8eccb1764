// PReLU of ArcFace's first stage (64 channels at 112x112) for 16 faces.
#include "kernels/prelu.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost forward_cost(const PreluFwd& a) { return {2.0 * double(a.rows * a.c), bytes_of(a.dtype, 2.0 * double(a.rows * a.c))}; }
Cost backward_cost(const PreluBwd& a) { return {4.0 * double(a.rows * a.c), bytes_of(a.dtype, 3.0 * double(a.rows * a.c))}; }

auto forward(int64_t rows, int64_t c) {
  return [=](Arrays& x) { return PreluFwd{x.dtype(), rows, c, x.normal(rows * c), x.normal(c, 0.25, 0.1), x.out(rows * c)}; };
}
auto backward(int64_t rows, int64_t c) {
  return [=](Arrays& x) {
    return PreluBwd{x.dtype(), rows, c, x.normal(rows * c), x.normal(c, 0.25, 0.1), x.normal(rows * c), x.out(rows * c), x.out(c)};
  };
}

const BenchRegistration fwd(prelu_fwd, forward_cost, {{"64 @112, batch 16", forward(16 * 112 * 112, 64), emulated(forward(512, 64))}});
const BenchRegistration bwd(prelu_bwd, backward_cost, {{"64 @112, batch 16", backward(16 * 112 * 112, 64), emulated(backward(512, 64))}});

}  // namespace
}  // namespace kintsugi::bench
