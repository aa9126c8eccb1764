// Padding copies, its adjoint adds a handful of numbers: f32 is exact forward and good to a rounding or two backward.
#include "autograd/ops/pad2d.h"

#include "autograd/ops/unary.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

OpCase padding(const char* name, PadMode mode, double value, std::vector<std::string> families, std::vector<Sample> samples) {
  return {.op = name, .families = std::move(families), .samples = std::move(samples),
          .run = [=](const Vars& x, const Sample& s) { return square(pad2d(x[0], s.ints[0], s.ints[1], s.ints[2], s.ints[3], mode, value)); },
          .f32_tolerance = 1e-7, .f32_grad_tolerance = 1e-6, .gradgrad = true,
          .errors = {{"rank", [=] { pad2d(Tensor::zeros({3, 3}), 1, 1, 1, 1, mode); }, {"pad2d", "[N,H,W,C]", "[3,3]"}},
                     {"negative", [=] { pad2d(Tensor::zeros({1, 3, 3, 1}), 1, -1, 1, 1, mode); }, {"pad2d", "bottom -1"}}}};
}

/// top, bottom, left, right
const std::vector<Sample> both_modes = {
    {.name = "ragged", .shapes = {{2, 5, 4, 3}}, .ints = {1, 3, 2, 1}},
    {.name = "right and bottom", .shapes = {{1, 4, 4, 17}}, .ints = {0, 1, 0, 1}},
    {.name = "largest", .shapes = {{1, 4, 3, 2}}, .ints = {3, 3, 2, 2}},
    {.name = "none", .shapes = {{1, 2, 2, 2}}, .ints = {0, 0, 0, 0}},
};

const OpCaseRegistration constant_case{padding("pad2d constant", PadMode::constant, 0.5, {"strided_copy"}, both_modes)};
const OpCaseRegistration reflect_case{[] {
  OpCase c = padding("pad2d reflect", PadMode::reflect, 0, {"pad2d"}, both_modes);
  c.errors.push_back({"too large", [] { pad2d(Tensor::zeros({1, 3, 3, 1}), 3, 0, 0, 0, PadMode::reflect); }, {"pad2d", "top 3", "[1,3,3,1]"}});
  return c;
}()};
const OpCaseRegistration replicate_case{[] {
  std::vector<Sample> samples = both_modes;
  samples.push_back({.name = "larger than the image", .shapes = {{1, 1, 2, 3}}, .ints = {2, 4, 5, 3}});
  return padding("pad2d replicate", PadMode::replicate, 0, {"pad2d"}, samples);
}()};

}  // namespace
