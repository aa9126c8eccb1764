// The registration loss of CodeFormer++ at 512x512, windows of 9x9.
#include "kernels/local_ncc.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

double pixels(const LocalNccFwd& a) { return double(a.n * a.h * a.w * a.c); }

// Five running box sums, each two additions per axis, three products and 14 for the quotient; the gradient adds four more sums.
Cost forward_cost(const LocalNccFwd& a) { return {37 * pixels(a), bytes_of(a.dtype, 3 * pixels(a))}; }
Cost backward_cost(const LocalNccBwd& a) { return {80 * pixels(a.forward), bytes_of(a.forward.dtype, 5 * pixels(a.forward))}; }

LocalNccFwd images(Arrays& x, int64_t size, int64_t channels) {
  const int64_t count = size * size * channels;
  return {x.normal(count), x.normal(count), nullptr, 1, size, size, channels, 9, true, 1e-5, x.dtype()};
}
auto forward(int64_t size, int64_t channels) {
  return [=](Arrays& x) {
    LocalNccFwd a = images(x, size, channels);
    a.cc = x.out(size * size * channels);
    return a;
  };
}
auto backward(int64_t size, int64_t channels) {
  return [=](Arrays& x) {
    const LocalNccFwd a = images(x, size, channels);
    const int64_t count = size * size * channels;
    return LocalNccBwd{a, x.normal(count), x.out(count), x.out(count)};
  };
}

const BenchRegistration fwd(local_ncc_fwd, forward_cost,
                           {{"3 @512", forward(512, 3), forward(64, 3), 1e-5, forward(24, 3)},
                            {"3 @128", forward(128, 3), forward(64, 3), 1e-5, forward(24, 3)}});
const BenchRegistration bwd(local_ncc_bwd, backward_cost,
                           {{"3 @512", backward(512, 3), backward(64, 3), 2e-5, backward(24, 3)},
                            {"3 @128", backward(128, 3), backward(64, 3), 2e-5, backward(24, 3)}});

}  // namespace
}  // namespace kintsugi::bench
