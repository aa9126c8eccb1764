// Moving elements: f32 results are exact, gradients too.
#include "autograd/ops/shape.h"

#include <doctest/doctest.h>

#include "autograd/ops/unary.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

OpCase exact(const char* op, std::vector<Sample> samples, std::function<Var(const Vars&, const Sample&)> run, std::vector<ErrorSample> errors = {}) {
  // The square makes the second derivative non-zero, so that gradgrad asks something.
  return {.op = op, .families = {"strided_copy"}, .samples = std::move(samples),
          .run = [run](const Vars& x, const Sample& s) { return square(run(x, s)); },
          .f32_tolerance = 1e-7, .f32_grad_tolerance = 1e-6, .gradgrad = true, .errors = std::move(errors)};
}

const OpCaseRegistration permute_case{exact(
    "permute",
    {{.name = "transpose", .shapes = {{37, 65}}, .ints = {1, 0}},
     {.name = "NHWC to NCHW", .shapes = {{2, 5, 7, 33}}, .ints = {0, 3, 1, 2}},
     {.name = "heads", .shapes = {{2, 5, 3, 8}}, .ints = {0, 2, 1, 3}},
     {.name = "reverse", .shapes = {{3, 4, 5, 6}}, .ints = {3, 2, 1, 0}},
     {.name = "same", .shapes = {{3, 4}}, .ints = {0, -1}},
     {.name = "rank 6", .shapes = {{2, 3, 2, 3, 2, 3}}, .ints = {5, 0, 3, 1, 4, 2}}},
    [](const Vars& x, const Sample& s) { return permute(x[0], {s.ints.begin(), s.ints.end()}); },
    {{"count", [] { permute(Tensor::zeros({2, 3}), {0}); }, {"permute", "2 axes", "got 1"}},
     {"twice", [] { permute(Tensor::zeros({2, 3}), {1, 1}); }, {"permute", "axis 1", "twice"}}})};

const OpCaseRegistration reshape_case{exact(
    "reshape", {{"ragged", {{3, 4, 5}}}}, [](const Vars& x, const Sample&) { return reshape(x[0], {5, 12}); },
    {{"count", [] { reshape(Tensor::zeros({2, 3}), {4}); }, {"reshape", "6", "[4]", "[2,3]"}}})};

const OpCaseRegistration concat_case{exact(
    "concat",
    {{.name = "first", .shapes = {{2, 3, 5}, {1, 3, 5}, {4, 3, 5}}, .ints = {0}},
     {.name = "channels", .shapes = {{2, 3, 5}, {2, 3, 1}, {2, 3, 9}}, .ints = {-1}},
     {.name = "one part", .shapes = {{2, 3}}, .ints = {1}}},
    [](const Vars& x, const Sample& s) { return concat(std::span<const Var>(x), int(s.ints[0])); },
    {{"shapes", [] { concat({Tensor::zeros({2, 3}), Tensor::zeros({3, 3})}, 1); }, {"concat", "axis 1", "[2,3]", "[3,3]"}}})};

const OpCaseRegistration stack_case{exact(
    "stack", {{.name = "front", .shapes = {{3, 5}, {3, 5}}, .ints = {0}}, {.name = "back", .shapes = {{3, 5}, {3, 5}}, .ints = {-1}}},
    [](const Vars& x, const Sample& s) { return stack(std::span<const Var>(x), int(s.ints[0])); },
    {{"shapes", [] { stack({Tensor::zeros({2}), Tensor::zeros({3})}); }, {"stack", "[2]", "[3]"}}})};

const OpCaseRegistration narrow_case{exact(
    "narrow",
    {{.name = "rows", .shapes = {{7, 3, 5}}, .ints = {0, 2, 3}}, {.name = "columns", .shapes = {{7, 3, 5}}, .ints = {-1, 1, 2}},
     {.name = "one", .shapes = {{7, 3, 5}}, .ints = {1, 2, 1}}, {.name = "whole", .shapes = {{7, 3}}, .ints = {0, 0, 7}}},
    [](const Vars& x, const Sample& s) { return narrow(x[0], int(s.ints[0]), s.ints[1], s.ints[2]); },
    {{"range", [] { narrow(Tensor::zeros({2, 3}), 1, 2, 2); }, {"narrow", "axis 1", "[2,4)", "[2,3]"}}})};

const OpCaseRegistration embed_case{exact(
    "embed", {{"ragged", {{2, 3, 4}}}}, [](const Vars& x, const Sample&) { return embed(x[0], {1, 0, 2}, {4, 3, 7}, 0.5); },
    {{"range", [] { embed(Tensor::zeros({2}), {1}, {2}); }, {"embed", "axis 0", "[0,2)", "[1,3)"}}})};

const OpCaseRegistration crop_case{exact(
    "crop", {{"ragged", {{2, 6, 5, 3}}}}, [](const Vars& x, const Sample&) { return crop(x[0], 2, 1, 3, 4); },
    {{"rank", [] { crop(Tensor::zeros({2, 3}), 0, 0, 1, 1); }, {"crop", "[N,H,W,C]", "[2,3]"}}})};

const OpCaseRegistration shuffle_case{exact(
    "pixel_shuffle", {{.name = "2", .shapes = {{2, 3, 5, 12}}, .ints = {2}}, {.name = "3", .shapes = {{1, 2, 2, 9}}, .ints = {3}}},
    [](const Vars& x, const Sample& s) { return pixel_shuffle(x[0], int(s.ints[0])); },
    {{"channels", [] { pixel_shuffle(Tensor::zeros({1, 2, 2, 6}), 2); }, {"pixel_shuffle", "C*2*2", "[1,2,2,6]"}}})};

const OpCaseRegistration unshuffle_case{exact(
    "pixel_unshuffle", {{.name = "2", .shapes = {{2, 4, 6, 3}}, .ints = {2}}},
    [](const Vars& x, const Sample& s) { return pixel_unshuffle(x[0], int(s.ints[0])); },
    {{"size", [] { pixel_unshuffle(Tensor::zeros({1, 3, 2, 6}), 2); }, {"pixel_unshuffle", "[1,3,2,6]"}}})};

}  // namespace

TEST_CASE("pixel_shuffle has PyTorch's order of channels") {
  Tensor x(Shape{1, 1, 1, 8});
  for (int i = 0; i < 8; ++i) x.data<float>()[i] = float(i);
  const Tensor y = pixel_shuffle(x, 2).value();  // [1,2,2,2]: channel 0 holds 0..3 in reading order, channel 1 holds 4..7
  const std::vector<float> expected = {0, 4, 1, 5, 2, 6, 3, 7};
  for (int i = 0; i < 8; ++i) CHECK(y.item(i) == expected[size_t(i)]);
  const Tensor back = pixel_unshuffle(y, 2).value();
  for (int i = 0; i < 8; ++i) CHECK(back.item(i) == i);
}

TEST_CASE("slices keep integer dtypes") {
  const Tensor x = Tensor::of<int64_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor y = narrow(x, 1, 1, 2).value();
  CHECK(y.dtype() == DType::i64);
  CHECK(y.item(2) == 5);
}
