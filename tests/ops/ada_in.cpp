#include "autograd/ops/ada_in.h"

#include "autograd/ops/binary.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

const OpCaseRegistration cases[] = {
    OpCaseRegistration({
        .op = "ada_in", .families = {},
        .samples = {{"images", {{2, 3, 4, 5}, {2, 5, 2, 5}}}, {"tokens", {{1, 6, 3}, {1, 6, 3}}, {.mean = 2, .std = 3}},
                    {"large mean", {{2, 4, 4, 3}, {2, 4, 4, 3}}, {}, {{.mean = 1e3}, {}}}},
        .run = [](const Vars& x, const Sample&) { return ada_in(x[0], x[1]); }, .f32_grad_tolerance = 1e-4, .gradgrad = true,
        .errors = {{"channels", [] { ada_in(Tensor::zeros({1, 4, 3}), Tensor::zeros({1, 4, 2})); }, {"ada_in: style", "[1,4,3]", "[1,4,2]"}},
                   {"one position", [] { ada_in(Tensor::zeros({1, 1, 3}), Tensor::zeros({1, 4, 3})); }, {"ada_in: content", "two positions"}}}}),
    OpCaseRegistration({
        .op = "mean_std", .families = {}, .samples = {{"ragged", {{2, 3, 4, 5}}}},
        .run = [](const Vars& x, const Sample&) { const MeanStd m = mean_std(x[0]); return m.mean * 3 + m.std; }, .gradgrad = true}),
};

}  // namespace
