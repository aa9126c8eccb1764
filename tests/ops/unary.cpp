// Functions of one tensor. The vector functions are good to 2.5 ulp (kernels/base/vmath.h); formulas built from them lose a few
// more units of 6e-8 of the largest element.
#include "autograd/ops/unary.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/engine.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

using Function = Var (*)(Var);

OpCase smooth(const char* op, Function f, Draw draw = {}) {
  return {.op = op, .families = {"unary_fwd", "unary_bwd"},
          .samples = {{"ragged", {{2, 3, 5, 7}}, draw}, {"one", {{1}}, draw}, {"scalar", {{}}, draw}, {"long", {{40009}}, draw}},
          .run = [f](const Vars& x, const Sample&) { return f(x[0]); },
          .f32_tolerance = 1e-6, .gradgrad = true};
}

const Draw anywhere{.std = 2}, positive{.mean = 2, .std = 0.2}, off_zero{.kink_gap = 0.3};

const OpCaseRegistration cases[] = {
    OpCaseRegistration(smooth("affine", [](Var x) { return affine(x, -1.5, 0.25); })),
    OpCaseRegistration(smooth("neg", neg)),
    OpCaseRegistration(smooth("square", square)),
    OpCaseRegistration(smooth("sqrt", sqrt, positive)),
    OpCaseRegistration(smooth("rsqrt", rsqrt, positive)),
    OpCaseRegistration(smooth("reciprocal", reciprocal, off_zero)),
    OpCaseRegistration(smooth("exp", exp)),
    OpCaseRegistration(smooth("log", log, positive)),
    OpCaseRegistration(smooth("xlogx", xlogx, positive)),
    OpCaseRegistration(smooth("pow 2.5", [](Var x) { return pow(x, 2.5); }, positive)),
    OpCaseRegistration(smooth("pow 3", [](Var x) { return pow(x, 3); })),
    OpCaseRegistration(smooth("sin", sin)),
    OpCaseRegistration(smooth("cos", cos)),
    OpCaseRegistration(smooth("sigmoid", sigmoid, anywhere)),
    OpCaseRegistration(smooth("tanh", tanh, anywhere)),
    OpCaseRegistration(smooth("softplus", softplus, anywhere)),
    OpCaseRegistration(smooth("silu", silu, anywhere)),
    OpCaseRegistration(smooth("gelu", gelu, anywhere)),
    OpCaseRegistration(smooth("gelu_tanh", gelu_tanh, anywhere)),
    // Kinks: differences replay the piece found at the base point, so no sample has to avoid them.
    OpCaseRegistration(smooth("abs", abs)),
    OpCaseRegistration(smooth("relu", relu)),
    OpCaseRegistration(smooth("leaky_relu", [](Var x) { return leaky_relu(x, 0.2); })),
    OpCaseRegistration(smooth("hardswish", hardswish, {.std = 4})),
    OpCaseRegistration(smooth("clamp", [](Var x) { return clamp(x, -0.5, 1); })),
};

/// f and f' at x in f32 through the default rows.
std::pair<double, double> at(Function f, double x) {
  const Var v(Tensor::scalar(x), true);
  const Var y = f(v);
  return {y.item(), grad(y, {v})[0].item()};
}

}  // namespace

TEST_CASE("activations far out and at zero") {
  struct Limit {
    const char* name;
    Function f;
    double x, y, dy;
  };
  const double inf = std::numeric_limits<double>::infinity();
  const Limit limits[] = {
      {"sigmoid", sigmoid, -200, 0, 0},   {"sigmoid", sigmoid, 200, 1, 0},    {"tanh", tanh, -200, -1, 0},      {"tanh", tanh, 200, 1, 0},
      {"softplus", softplus, -200, 0, 0}, {"softplus", softplus, 200, 200, 1}, {"silu", silu, -200, 0, 0},      {"silu", silu, 200, 200, 1},
      {"gelu", gelu, -200, 0, 0},         {"gelu", gelu, 200, 200, 1},        {"gelu_tanh", gelu_tanh, -200, 0, 0}, {"gelu_tanh", gelu_tanh, 200, 200, 1},
      {"relu", relu, 0, 0, 0},            {"relu", relu, -0.0, 0, 0},         {"abs", abs, 0, 0, 0},            {"hardswish", hardswish, -200, 0, 0},
      {"hardswish", hardswish, 200, 200, 1}, {"log", log, 0, -inf, inf},      {"xlogx", xlogx, 0, 0, -inf},
  };
  for (const Limit& l : limits) {
    INFO(l.name, " at ", l.x);
    const auto [y, dy] = at(l.f, l.x);
    CHECK(y == l.y);
    CHECK(dy == l.dy);
  }
  CHECK(std::isnan(at(relu, std::nan("")).first));
}

TEST_CASE("a third derivative that does not exist is refused by name") {
  const Var x(Tensor::scalar(0.5), true);
  const Var first = grad(silu(x), {x}, {}, {.create_graph = true})[0];
  const Var second = grad(first, {x}, {}, {.create_graph = true})[0];
  CHECK_THROWS_WITH_AS(grad(second, {x}), doctest::Contains("silu: has no third derivative"), Error);
}
