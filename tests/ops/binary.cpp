// Elementwise arithmetic. One rounding per element: f32 agrees with f64 to a few units of 6e-8 of the largest element; gradients of
// repeated operands add up many such products.
#include "autograd/ops/binary.h"

#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

/// Broadcast patterns, fast and odd ones; b is kept away from 0 for the sake of div.
std::vector<Sample> patterns(double kink_gap) {
  const Draw a = {}, b = {.kink = 0, .kink_gap = kink_gap};
  auto s = [&](const char* name, Shape x, Shape y) { return Sample{.name = name, .shapes = {x, y}, .draws = {a, b}}; };
  return {
      s("same", {3, 5, 7}, {3, 5, 7}),
      s("long", {70003}, {70003}),
      s("channel", {2, 3, 5, 37}, {37}),
      s("channel left", {19}, {2, 3, 5, 19}),
      s("per image", {2, 3, 5, 9}, {2, 1, 1, 9}),
      s("per pixel", {2, 3, 5, 9}, {2, 3, 5, 1}),
      s("colour", {2, 60, 701, 3}, {3}),
      s("mask", {40000, 1}, {40000, 3}),
      s("scalar", {4, 9}, {}),
      s("one", {1}, {1}),
      s("outer", {5, 1}, {1, 33}),
      s("both repeat", {2, 1, 3, 1, 5}, {4, 1, 2, 1}),
      s("rank 6", {2, 1, 2, 3, 1, 4}, {2, 3, 1, 3, 2, 1}),
      {.name = "large mean", .shapes = {{6, 5}, {5}}, .draws = {{.mean = 1e3}, {.mean = 1e3}}},
  };
}

ErrorSample no_broadcast(const char* op, const std::function<Var(Var, Var)>& f) {
  return {"shapes", [f] { f(Tensor::zeros({2, 3}), Tensor::zeros({4})); }, {op, "[2,3]", "[4]"}};
}
ErrorSample two_dtypes(const char* op, const std::function<Var(Var, Var)>& f) {
  return {"dtypes", [f] { f(Tensor::zeros({2}), Tensor::zeros({2}, DType::f64)); }, {op, "f32", "f64"}};
}

OpCase arithmetic(const char* op, Var (*f)(Var, Var), double kink_gap) {
  return {.op = op, .families = {"binary"}, .samples = patterns(kink_gap),
          .run = [f](const Vars& x, const Sample&) { return f(x[0], x[1]); },
          .f32_tolerance = 2e-7, .f32_grad_tolerance = 1e-6, .gradgrad = true,
          .errors = {no_broadcast(op, f), two_dtypes(op, f)}};
}

const OpCaseRegistration add_case{arithmetic("add", add, 0)};
const OpCaseRegistration sub_case{arithmetic("sub", sub, 0)};
const OpCaseRegistration mul_case{arithmetic("mul", mul, 0)};
const OpCaseRegistration div_case{arithmetic("div", div, 0.5)};
// Two random tensors lie close somewhere; the side taken at the base point is replayed while differences are taken.
const OpCaseRegistration maximum_case{arithmetic("maximum", [](Var a, Var b) { return maximum(a, b); }, 0)};
const OpCaseRegistration minimum_case{arithmetic("minimum", [](Var a, Var b) { return minimum(a, b); }, 0)};

const OpCaseRegistration scalars{{
    .op = "scalar arithmetic", .families = {"unary_fwd", "unary_bwd"},
    .samples = {{"ragged", {{3, 11}}, {.kink_gap = 0.3}}},
    .run = [](const Vars& x, const Sample&) {
      const Var y = 2.0 - (x[0] * 3.0 + 1.0) / 4.0;
      return -y + 0.5 * x[0] - 0.25 + (1.5 + 1.0 / x[0]);
    },
    .f32_tolerance = 1e-6, .bf16_tolerance = 8 * 0x1p-9,  // eight results are rounded on the way
    .gradgrad = true}};

}  // namespace
