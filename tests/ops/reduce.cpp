// Sums, means, maxima. Sums are carried in f64 between blocks of 32 f32 additions, so the error is that of the inputs' rounding and
// the result's: a few units of 6e-8 of the largest result, also with a large mean.
#include "autograd/ops/reduce.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops/binary.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

/// Axes to reduce come from the sample's ints.
std::vector<int> axes_of(const Sample& s) { return {s.ints.begin(), s.ints.end()}; }

const std::vector<Sample> patterns = {
    {.name = "last", .shapes = {{3, 5, 37}}, .ints = {2}},
    {.name = "first", .shapes = {{65, 3, 5}}, .ints = {0}},
    {.name = "middle", .shapes = {{2, 7, 5, 21}}, .ints = {1, 2}},
    {.name = "apart", .shapes = {{3, 4, 5, 6}}, .ints = {0, -2}},
    {.name = "all", .shapes = {{3, 5, 7}}, .ints = {0, 1, 2}},
    {.name = "none", .shapes = {{3, 5}}, .ints = {}},
    {.name = "one element", .shapes = {{1, 1}}, .ints = {1}},
    {.name = "length 1", .shapes = {{4, 1, 3}}, .ints = {1}},
    {.name = "long lines", .shapes = {{3, 70}}, .ints = {-1}},
    {.name = "many columns", .shapes = {{1500, 67}}, .ints = {0}},
};

const OpCaseRegistration sum_case{{
    .op = "sum", .families = {"reduce_sum"}, .samples = patterns,
    .run = [](const Vars& x, const Sample& s) { return sum(square(x[0]), axes_of(s)); },
    .f32_tolerance = 1e-6, .gradgrad = true,
    .errors = {{"axis", [] { sum(Tensor::zeros({2, 3}), {2}); }, {"sum", "axis", "got 2", "[2,3]"}},
               {"twice", [] { sum(Tensor::zeros({2, 3}), {1, -1}); }, {"sum", "once"}}}}};

const OpCaseRegistration mean_case{{
    .op = "mean", .families = {"reduce_sum"}, .samples = patterns,
    .run = [](const Vars& x, const Sample& s) { return mean(x[0], axes_of(s), true); },
    .f32_tolerance = 3e-7, .gradgrad = true,
    .errors = {{"empty", [] { mean(Tensor::zeros({0, 3})); }, {"mean", "[0,3]"}}}}};

// Several partial sums per line, and lines longer than one chunk.
const OpCaseRegistration long_sum{{
    .op = "sum of many", .families = {"reduce_sum"},
    .samples = {{"line", {{100003}}}, {"columns", {{40003, 3}}}},
    .run = [](const Vars& x, const Sample&) { return x[0].rank() == 1 ? mean(x[0]) : mean(x[0], {0}); },
    // A mean near zero of values near one: the tolerance is 6e-8 of a value over the mean's size of 1/sqrt(n).
    .f32_tolerance = 2e-5}};

// f64 rounds a mean of 1e3 by 1e-13; over steps of 1e-3 that hides 1e-10 of derivatives as small as 1e-4.
const OpCaseRegistration large_mean{{
    .op = "mean of a large mean", .families = {"reduce_sum"},
    .samples = {{.name = "rows", .shapes = {{4, 999}}, .draw = {.mean = 1e3}, .ints = {1}},
                {.name = "columns", .shapes = {{999, 33}}, .draw = {.mean = 1e3}, .ints = {0}},
                {.name = "long", .shapes = {{100003}}, .draw = {.mean = 1e3}, .ints = {0}}},
    .run = [](const Vars& x, const Sample& s) { return mean(x[0], axes_of(s)); },
    .f32_tolerance = 2e-7, .f64_grad_tolerance = 1e-5}};

const OpCaseRegistration max_case{{
    .op = "max", .families = {"reduce_max", "pick_place"}, .samples = patterns,
    .run = [](const Vars& x, const Sample& s) { return max(x[0], axes_of(s)) * 2.0; },
    .f32_tolerance = 1e-7, .gradgrad = true,
    .errors = {{"axis", [] { max(Tensor::zeros({2, 3}), {-3}); }, {"max", "axis", "-3"}}}}};

const OpCaseRegistration expand_case{{
    .op = "expand and sum_to", .families = {"strided_copy", "reduce_sum"},
    .samples = {{"new axes", {{5}}, {}, {}, {2, 3, 5}}, {"inner", {{2, 1, 1, 7}}, {}, {}, {2, 3, 4, 7}}, {"last", {{3, 1}}, {}, {}, {3, 9}}, {"scalar", {{}}, {}, {}, {4, 2}}},
    .run = [](const Vars& x, const Sample& s) {
      const Var y = expand(x[0], Shape(s.ints));
      return concat({reshape(y * y, {y.numel()}), reshape(sum_to(y, x[0].shape()), {x[0].numel()})}, 0);
    },
    .f32_tolerance = 1e-6, .gradgrad = true,
    .errors = {{"expand", [] { expand(Tensor::zeros({3}), {2, 4}); }, {"expand", "[3]", "[2,4]"}},
               {"sum_to", [] { sum_to(Tensor::zeros({2, 4}), {3}); }, {"sum_to", "[2,4]", "[3]"}}}}};

}  // namespace

TEST_CASE("argmax and max take the first of equals and let NaN win") {
  const Tensor x = Tensor::of<float>({2, 4}, {1, 3, 3, 0, -2, -1, -5, -1});
  CHECK(argmax(x, 1).item(0) == 1);
  CHECK(argmax(x, 1).item(1) == 1);
  CHECK(argmax(x, 0).item(3) == 0);
  const Tensor nan = Tensor::of<float>({3}, {1, NAN, 5});
  CHECK(argmax(nan, 0).item() == 1);
  CHECK(std::isnan(max(Var(nan)).item()));
  // The fast row splits long lines into lanes: equals in several of them, and in the rest behind them.
  for (int first : {0, 5, 16, 37, 79, 80, 85}) {
    Tensor line = Tensor::zeros({86});
    for (int i = first; i < 86; ++i) line.data<float>()[i] = 2;
    CHECK(argmax(line, 0).item() == first);
    for (int i = first; i < 86; i += 3) line.data<float>()[i] = NAN;
    CHECK(argmax(line, 0).item() == first);
  }
}
