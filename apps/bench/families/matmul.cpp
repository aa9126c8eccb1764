// Products of CodeFormer's transformer (256 tokens, width 512), and of a batch of 16 images.
#include "kernels/matmul.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost cost(const Matmul& a) {
  const auto copies = [&](int64_t stride) { return double(stride ? a.batch : 1); };
  return {2.0 * double(a.batch * a.m * a.n * a.k), bytes_of(a.dtype, copies(a.stride_a) * double(a.m * a.k) + copies(a.stride_b) * double(a.k * a.n) +
                                                            copies(a.stride_c) * double(a.m * a.n) * (a.accumulate ? 2 : 1))};
}

auto product(int64_t m, int64_t n, int64_t k, bool ta = false, bool tb = false) {
  return [=](Arrays& x) {
    Matmul a{x.normal(m * k), x.normal(k * n), x.out(m * n), nullptr};
    a.dtype = x.dtype();
    a.m = m, a.n = n, a.k = k, a.ta = ta, a.tb = tb;
    return a;
  };
}
auto batched(int64_t batch, int64_t m, int64_t n, int64_t k) {
  return [=](Arrays& x) {
    Matmul a{x.normal(batch * m * k), x.normal(batch * k * n), x.out(batch * m * n), nullptr};
    a.dtype = x.dtype();
    a.batch = batch, a.m = m, a.n = n, a.k = k;
    a.stride_a = m * k, a.stride_b = k * n, a.stride_c = m * n;
    return a;
  };
}

const BenchRegistration matmul(batched_matmul, cost,
                           {{"256x512 by 512x512^T", product(256, 512, 512, false, true), emulated(product(128, 128, 128, false, true))},
                            {"256x512 by 512x1024", product(256, 1024, 512), emulated(product(128, 128, 128))},
                            {"256x1024 by 1024x512^T", product(256, 512, 1024, false, true), emulated(product(128, 64, 256, false, true))},
                            {"4096x512 by 512x1536^T", product(4096, 1536, 512, false, true), product(256, 1536, 512, false, true), 1e-5, product(64, 192, 128, false, true)},
                            {"512x4096^T by 4096x512", product(512, 512, 4096, true, false), product(512, 512, 256, true, false), 1e-5, product(128, 128, 256, true, false)},
                            {"8 heads, 256x64 by 64x256", batched(8, 256, 256, 64), emulated(batched(2, 128, 128, 64))}});

}  // namespace
}  // namespace kintsugi::bench
