// Convolutions with their epilogues: the bounds of tests/ops/conv2d.cpp, for what follows rounds once or twice more on the same scale.
#include "autograd/ops/conv2d_epilogue.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/finite_watch.h"
#include "autograd/op_trace.h"
#include "autograd/rehearsal.h"
#include "tensor/random.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

// ints: which epilogue, stride, padding, groups. Inputs: x, w, bias, and for sft base and scale.
enum { kLeaky, kSft };
Var run(const Vars& x, const Sample& s) {
  const Conv2dOptions o{int(s.ints[1]), pad_all(int(s.ints[2])), 1, int(s.ints[3])};
  if (s.ints[0] == kLeaky) return conv2d_leaky_relu(x[0], x[1], x[2], o, 0.2);
  return conv2d_sft(x[0], x[1], x[2], o, x[3], x[4], 0.7);
}

Sample sample(const char* name, int64_t kind, Shape x, Shape w, int64_t stride, int64_t pad, int64_t groups = 1) {
  const int64_t h = (x[1] + 2 * pad - w[1]) / stride + 1, v = (x[2] + 2 * pad - w[2]) / stride + 1;
  std::vector<Shape> shapes{x, w, {w[0]}};
  if (kind == kSft) shapes.insert(shapes.end(), 2, Shape{x[0], h, v, w[0]});
  return {.name = name, .shapes = shapes, .ints = {kind, stride, pad, groups}};
}

// Nobody wants a gradient: the fused family.
const OpCaseRegistration fused_case{{
    .op = "conv2d_epilogue",
    .families = {"conv2d_epilogue_fwd"},
    .samples = {sample("leaky_relu", kLeaky, {2, 5, 6, 4}, {5, 3, 3, 4}, 1, 1), sample("leaky_relu, stride 2", kLeaky, {1, 6, 7, 3}, {9, 4, 4, 3}, 2, 1),
                sample("sft", kSft, {1, 5, 6, 6}, {9, 3, 3, 6}, 1, 1), sample("sft, two groups", kSft, {1, 4, 5, 16}, {16, 3, 3, 8}, 1, 1, 2),
                sample("leaky_relu, lines of 8 channels", kLeaky, {2, 5, 7, 8}, {24, 3, 3, 8}, 1, 1),
                sample("sft, lines of 8 channels", kSft, {1, 7, 5, 16}, {40, 3, 3, 16}, 1, 1),
                sample("leaky_relu, many channels", kLeaky, {1, 5, 7, 64}, {72, 1, 1, 64}, 1, 0),
                sample("sft, many channels", kSft, {1, 5, 7, 32}, {136, 3, 3, 32}, 1, 1)},
    .run = run,
    .f32_tolerance = 2e-6,
    .differentiable = false,
    .errors = {{"x", [] { conv2d_leaky_relu(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 4}), {}, {}, 0.2); }, {"conv2d_leaky_relu: x must have 4", "got 3"}},
               {"base", [] { conv2d_sft(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 1, 1, 3}), {}, {}, Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({1, 4, 4, 2}), 1); },
                {"conv2d_sft: base must be [1,4,4,2]", "[1,4,4,3]"}},
               {"scale", [] { conv2d_sft(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 1, 1, 3}), {}, {}, Tensor::zeros({1, 4, 4, 2}), {}, 1); },
                {"conv2d_sft: scale must be [1,4,4,2]", "nothing"}}},
}};

// Somebody does: the parts.
const OpCaseRegistration parts_case{{
    .op = "conv2d_epilogue, differentiated",
    .families = {},
    .samples = {sample("leaky_relu", kLeaky, {1, 5, 6, 4}, {5, 3, 3, 4}, 1, 1), sample("leaky_relu, wider", kLeaky, {1, 4, 5, 3}, {4, 3, 3, 3}, 1, 1),
                sample("sft", kSft, {1, 5, 4, 3}, {4, 3, 3, 3}, 1, 1)},
    .run = run,
    .f32_tolerance = 2e-6,
    .gradgrad = true,
}};

TEST_CASE("conv2d_epilogue: it is seen like any other op, and a rehearsal takes the parts") {
  const NoGrad off;
  const Var x(random_normal({1, 4, 5, 3}, 0, 1, 1, "x")), w(random_normal({6, 3, 3, 3}, 0, 1, 2, "w"));
  const auto ops = [&] {
    OpTrace trace([] { return 0.0; });
    conv2d_leaky_relu(x, w, {}, {}, 0.2);
    std::vector<std::string> names;
    for (const auto& step : trace.steps()) names.push_back(step.op);
    return names;
  };
  CHECK(ops() == std::vector<std::string>{"conv2d_leaky_relu"});
  {
    const Rehearsal as_with_a_graph;
    CHECK(ops() == std::vector<std::string>{"conv2d", "leaky_relu"});
  }
  const FiniteWatch watch;
  conv2d_leaky_relu(Tensor::full(x.shape(), INFINITY), w, {}, {}, 0.2);
  CHECK(watch.first().find("result of conv2d_leaky_relu") == 0);
}

}  // namespace
}  // namespace kintsugi::testing
