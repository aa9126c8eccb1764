// Layer normalisation; tolerances as argued in group_norm.cpp.
#include "autograd/ops/layer_norm.h"

#include "tests/ops/norm_samples.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

Var run(const Vars& x, const Sample&) { return layer_norm(x[0], x[1], x[2], 1e-5); }

const OpCaseRegistration cases[] = {
    OpCaseRegistration({
        .op = "layer_norm", .families = {"layer_norm_fwd", "layer_norm_bwd"},
        .samples = {norm_sample("ragged", {2, 3, 21}), norm_sample("vector", {19}), norm_sample("many rows", {4, 70, 64}), norm_sample("three channels", {5, 3})},
        .run = run, .gradgrad = true,
        .errors = {{"gamma", [] { layer_norm(Tensor::zeros({2, 5}), Tensor::zeros({4}), Tensor::zeros({5}), 1e-5); },
                    {"layer_norm: gamma must be [5] f32", "got [4]", "[2,5]"}}}}),
    OpCaseRegistration({
        .op = "layer_norm, large mean", .families = {"layer_norm_fwd", "layer_norm_bwd"},
        .samples = {norm_sample("ragged", {2, 3, 21}, far), norm_sample("many rows", {2, 70, 64}, far)},
        .run = run, .f32_grad_tolerance = 1e-4}),
};

}  // namespace
