// Activations to bf16 and back, 64 channels at 512x512, and one large weight. The arrays are f32 and bf16 whatever --dtype says.
#include "kernels/cast.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost cost(const Cast& a) { return {0, bytes_of(a.from, double(a.n)) + bytes_of(a.to, double(a.n))}; }

auto to_bf16(int64_t n) {
  return [=](Arrays& x) { return Cast{x.statistics(n, 0, 1), x.out<bf16>(n), n, DType::f32, DType::bf16}; };
}
auto to_f32(int64_t n) {
  return [=](Arrays& x) {
    std::vector<bf16> values;
    for (int64_t i = 0; i < n; ++i) values.emplace_back(float(i % 8191) - 4095.5f);
    return Cast{x.table(values), x.out<float>(n), n, DType::bf16, DType::f32};
  };
}

constexpr int64_t kMap = 64 * 512 * 512, kEmulated = 1 << 15;

const BenchRegistration casts(cast_fwd, cost,
                              {{"to bf16, 64 @512", to_bf16(kMap), emulated(to_bf16(kEmulated))},
                               {"to f32, 64 @512", to_f32(kMap), emulated(to_f32(kEmulated))},
                               {"to bf16, 512x3x3x512", to_bf16(512 * 3 * 3 * 512), emulated(to_bf16(kEmulated))}});

}  // namespace
}  // namespace kintsugi::bench
