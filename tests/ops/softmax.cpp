// Softmax, its logarithm, and cross entropy. exp is good to 1 ulp at an argument that was rounded once; sums of rows are chains of at
// most width / lanes additions, so 2e-6 of the largest element covers rows of a thousand.
#include "autograd/ops/softmax.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops/cross_entropy.h"
#include "kernels/base/philox.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

const std::vector<Sample> rows = {{"ragged", {{2, 3, 11}}}, {"vector", {{1027}}}, {"one class", {{4, 1}}},
                                  {"many rows", {{300, 37}}, {.std = 3}}, {"large mean", {{5, 19}}, {.mean = 1e3}}};

Tensor targets(const Tensor& logits) {
  const auto dims = logits.shape().dims();
  Tensor t(Shape(dims.first(dims.size() - 1)), DType::i64);
  Philox random(5, "targets");
  for (int64_t& v : t.span<int64_t>()) v = random.below(uint32_t(logits.dim(-1)));
  return t.to(logits.device());
}

const OpCaseRegistration cases[] = {
    OpCaseRegistration({.op = "softmax", .families = {"softmax_fwd", "softmax_bwd"}, .samples = rows,
                        .run = [](const Vars& x, const Sample&) { return softmax(x[0]); }, .gradgrad = true}),
    OpCaseRegistration({.op = "log_softmax", .families = {"log_softmax_fwd", "log_softmax_bwd"}, .samples = rows,
                        .run = [](const Vars& x, const Sample&) { return log_softmax(x[0]); }, .gradgrad = true}),
    OpCaseRegistration({.op = "cross_entropy", .families = {"cross_entropy_fwd"}, .samples = rows,
                        .run = [](const Vars& x, const Sample&) { return cross_entropy(x[0], targets(x[0].value())); }, .gradgrad = true,
                        .errors = {{"target shape", [] { cross_entropy(Tensor::zeros({2, 3}), Tensor::zeros({3}, DType::i64)); }, {"cross_entropy: target", "[3]", "[2,3]"}},
                                   {"target range", [] { cross_entropy(Tensor::zeros({2, 3}), Tensor::full({2}, 3, DType::i64)); }, {"target must lie in [0, 3)", "got 3"}},
                                   {"target type", [] { cross_entropy(Tensor::zeros({2, 3}), Tensor::zeros({2})); }, {"target must be i64", "f32"}},
                                   {"smoothing", [] { cross_entropy(Tensor::zeros({2, 3}), Tensor::zeros({2}, DType::i64), 1.5); }, {"label_smoothing", "1.5"}}}}),
    OpCaseRegistration({.op = "cross_entropy, smoothed", .families = {"cross_entropy_fwd"}, .samples = rows,
                        .run = [](const Vars& x, const Sample&) { return cross_entropy(x[0], targets(x[0].value()), 0.1); }, .gradgrad = true}),
};

}  // namespace

TEST_CASE("softmax of far apart, equal and infinite entries") {
  const Var far = softmax(Tensor::of<float>({3}, {-1000, 0, 1000}));
  CHECK(far.value().item(0) == 0);
  CHECK(far.value().item(2) == 1);
  const Var masked = softmax(Tensor::of<float>({3}, {-INFINITY, 2, 2}));
  CHECK(masked.value().item(0) == 0);
  CHECK(masked.value().item(1) == 0.5);
  CHECK(log_softmax(Tensor::of<float>({2}, {-1000, 1000})).value().item(0) == -2000);
}
