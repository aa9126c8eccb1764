// The triplet loss of CodeFormer++ on features of 16 images, 256 x 16 x 16 each.
#include "kernels/cosine_triplet.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Five products; each gradient is a sum of scaled vectors.
Cost forward_cost(const CosineTripletFwd& a) { return {10.0 * double(a.batch * a.n), bytes_of(a.dtype, 3.0 * double(a.batch * a.n))}; }
Cost backward_cost(const CosineTripletBwd& a) { return {11.0 * double(a.batch * a.n), bytes_of(a.dtype, 6.0 * double(a.batch * a.n))}; }

auto forward(int64_t batch, int64_t n) {
  return [=](Arrays& x) {
    return CosineTripletFwd{x.dtype(), batch, n, 1e-12, x.normal(batch * n), x.normal(batch * n), x.normal(batch * n), x.out(1), x.out<double>(batch * 5)};
  };
}
auto backward(int64_t batch, int64_t n) {
  return [=](Arrays& x) {
    CosineTripletBwd a{};
    a.dtype = x.dtype(), a.batch = batch, a.n = n, a.eps = 1e-12;
    a.positive = x.normal(batch * n), a.anchor = x.normal(batch * n), a.negative = x.normal(batch * n), a.gy = x.normal(1, 1, 0.1);
    std::vector<double> dots;  // norms as those of normal numbers, products small beside them
    for (int64_t b = 0; b < batch; ++b)
      for (double d : {1.01, 0.99, 1.02, 0.03, -0.02}) dots.push_back(d * double(n));
    a.dots = x.table(dots);
    a.g_positive = x.out(batch * n), a.g_anchor = x.out(batch * n), a.g_negative = x.out(batch * n);
    return a;
  };
}

const BenchRegistration fwd(cosine_triplet_fwd, forward_cost, {{"16x65536", forward(16, 65536), emulated(forward(2, 20000))}});
const BenchRegistration bwd(cosine_triplet_bwd, backward_cost, {{"16x65536", backward(16, 65536), emulated(backward(2, 20000))}});

}  // namespace
}  // namespace kintsugi::bench
