// Vector quantisation. Codes are chosen in f64 by every row; distances leave the kernel rounded once.
#include "autograd/ops/vq.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "kernels/table.h"
#include "kernels/base/simd.h"
#include "tensor/random.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

Var quantized(const Vars& x, BetaOn where) {
  const Quantized q = vector_quantize(x[0], x[1], 0.25, where);
  return q.z_q + q.loss;
}

const std::vector<Sample> samples = {{"ragged", {{2, 3, 5, 4}, {9, 4}}}, {"one code", {{6, 3}, {1, 3}}}, {"several blocks", {{2, 60, 8}, {70, 8}}}};

const OpCaseRegistration cases[] = {
    OpCaseRegistration({
        .op = "nearest_code", .families = {"nearest_code_fwd"}, .samples = samples,
        .run =
            [](const Vars& x, const Sample&) {
              const Nearest n = nearest_code(x[0].value(), x[1].value());
              return Var(n.min_distance) + n.mean_distance;
            },
        .differentiable = false,
        .errors = {{"codebook", [] { nearest_code(Tensor::zeros({2, 3}), Tensor::zeros({4, 2})); }, {"nearest_code: codebook must be [K,3] f32", "[4,2]"}},
                   {"empty", [] { nearest_code(Tensor::zeros({0, 3}), Tensor::zeros({4, 3})); }, {"nearest_code: z", "[0,3]"}}}}),
    OpCaseRegistration({.op = "straight_through", .families = {}, .samples = {{"ragged", {{2, 3, 4}, {2, 3, 4}}}},
                        .run = [](const Vars& x, const Sample&) { return straight_through(x[0], x[1]); }}),
    OpCaseRegistration({.op = "vector_quantize, beta on codebook", .families = {"nearest_code_fwd"}, .samples = samples,
                        .run = [](const Vars& x, const Sample&) { return quantized(x, BetaOn::codebook); }}),
    OpCaseRegistration({.op = "vector_quantize, beta on commitment", .families = {"nearest_code_fwd"}, .samples = samples,
                        .run = [](const Vars& x, const Sample&) { return quantized(x, BetaOn::commitment); }}),
};

}  // namespace

TEST_CASE("vector_quantize: beta scales the term it is put on") {
  const Var z(Tensor::of<double>({1, 2}, {1, 2}), true), codebook(Tensor::of<double>({2, 2}, {0, 0, 1.5, 1}), true);
  for (const BetaOn where : {BetaOn::codebook, BetaOn::commitment}) {
    const Quantized q = vector_quantize(z, codebook, 0.25, where);
    CHECK(q.indices.item() == 1);
    CHECK(q.loss.item() == doctest::Approx(1.25 * 0.625));
    CHECK(q.perplexity() == doctest::Approx(1.0));
    CHECK(q.mean_distance.item() == doctest::Approx((5 + 1.25) / 2));
    const Vars g = grad(q.loss, {z, codebook});
    const double on_z = where == BetaOn::codebook ? 1 : 0.25, on_codebook = where == BetaOn::codebook ? 0.25 : 1;
    CHECK(g[0].value().item(0) == doctest::Approx(on_z * (1 - 1.5)));
    CHECK(g[0].value().item(1) == doctest::Approx(on_z * (2 - 1)));
    CHECK(g[1].value().item(2) == doctest::Approx(on_codebook * (1.5 - 1)));
    CHECK(g[1].value().item(0) == 0);
  }
}

TEST_CASE("straight_through gives the whole gradient to z") {
  const Var z(Tensor::of<float>({2}, {1, 2}), true), z_q(Tensor::of<float>({2}, {3, 5}), true);
  const Var y = straight_through(z, z_q);
  CHECK(y.value().item(1) == 5);
  const Vars g = grad(y, {z, z_q}, Var(Tensor::of<float>({2}, {7, 8})));
  CHECK(g[0].value().item(0) == 7);
  CHECK(!g[1]);
}

TEST_CASE("every row of nearest_code names the same code, ties and near ties included") {
  const int64_t codes = 40, width = 24;
  const Tensor codebook = random_normal({codes, width}, 30, 1, 1, "codebook"), z = random_normal({100, width}, 30, 1, 1, "z");
  float *e = codebook.data<float>(), *x = z.data<float>();
  std::copy_n(e, width, e + 7 * width);  // equal codes: the lower number wins
  std::copy_n(e + width, width, e + 9 * width);
  e[9 * width + 3] += 2e-5f;  // |e|^2 is near 2e4: f32 scores cannot tell these two from each other, f64 can
  std::copy_n(e + 7 * width, width, x);
  std::copy_n(e + 9 * width, width, x + width);
  std::copy_n(e + width, width, x + 2 * width);
  Tensor truth;
  {
    KernelChoice ref("nearest_code_fwd", "ref");
    truth = nearest_code(z, codebook).indices;
  }
  CHECK(truth.item(0) == 0);
  CHECK(truth.item(1) == 9);
  CHECK(truth.item(2) == 1);
  for (const SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512}) {
    const SimdLevel before = set_simd_level(level);
    const Tensor got = nearest_code(z, codebook).indices;
    set_simd_level(before);
    CHECK(std::ranges::equal(got.span<int64_t>(), truth.span<int64_t>()));
  }
}
