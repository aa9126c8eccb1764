// Convolutions with their epilogues: the bounds of tests/ops/conv2d.cpp, for what follows rounds once or twice more on the same scale.
#include "autograd/ops/conv2d_epilogue.h"

#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

// ints: which epilogue, stride, padding, groups. Inputs: x, w, bias, and for sft base and scale.
enum { kLeaky, kSilu, kSft };
Var run(const Vars& x, const Sample& s) {
  const Conv2dOptions o{int(s.ints[1]), pad_all(int(s.ints[2])), 1, int(s.ints[3])};
  if (s.ints[0] == kLeaky) return conv2d_leaky_relu(x[0], x[1], x[2], o, 0.2);
  if (s.ints[0] == kSilu) return conv2d_silu(x[0], x[1], x[2], o);
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
    .samples = {sample("leaky_relu", kLeaky, {2, 5, 6, 4}, {5, 3, 3, 4}, 1, 1), sample("silu, stride 2", kSilu, {1, 6, 7, 3}, {9, 4, 4, 3}, 2, 1),
                sample("sft", kSft, {1, 5, 6, 6}, {9, 3, 3, 6}, 1, 1), sample("sft, two groups", kSft, {1, 4, 5, 16}, {16, 3, 3, 8}, 1, 1, 2),
                sample("leaky_relu, lines of 8 channels", kLeaky, {2, 5, 7, 8}, {24, 3, 3, 8}, 1, 1),
                sample("sft, lines of 8 channels", kSft, {1, 7, 5, 16}, {40, 3, 3, 16}, 1, 1),
                sample("silu, many channels", kSilu, {1, 5, 7, 64}, {72, 1, 1, 64}, 1, 0),
                sample("sft, many channels", kSft, {1, 5, 7, 32}, {136, 3, 3, 32}, 1, 1)},
    .run = run,
    .f32_tolerance = 2e-6,
    .differentiable = false,
    .errors = {{"x", [] { conv2d_silu(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 4}), {}, {}); }, {"conv2d_silu: x must have 4", "got 3"}},
               {"base", [] { conv2d_sft(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 1, 1, 3}), {}, {}, Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({1, 4, 4, 2}), 1); },
                {"conv2d_sft: base must be [1,4,4,2]", "[1,4,4,3]"}},
               {"scale", [] { conv2d_sft(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 1, 1, 3}), {}, {}, Tensor::zeros({1, 4, 4, 2}), {}, 1); },
                {"conv2d_sft: scale must be [1,4,4,2]", "nothing"}}},
}};

// Somebody does: the parts.
const OpCaseRegistration parts_case{{
    .op = "conv2d_epilogue, differentiated",
    .families = {},
    .samples = {sample("leaky_relu", kLeaky, {1, 5, 6, 4}, {5, 3, 3, 4}, 1, 1), sample("silu", kSilu, {1, 4, 5, 3}, {4, 3, 3, 3}, 1, 1),
                sample("sft", kSft, {1, 5, 4, 3}, {4, 3, 3, 3}, 1, 1)},
    .run = run,
    .f32_tolerance = 2e-6,
    .gradgrad = true,
}};

}  // namespace
}  // namespace kintsugi::testing
