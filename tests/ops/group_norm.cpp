// Group and instance normalisation. Statistics are exact to a few units of f32, so y is good to 2e-6 of its largest element.
// Where the mean is 1000 times the deviation, the mean that the forward keeps for backward is rounded to f32: xhat moves by up to
// 1000 * 2^-24 = 6e-5, and gradients with it.
#include "autograd/ops/group_norm.h"

#include "tests/ops/norm_samples.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

Sample sample(const char* name, Shape x, int64_t groups, Act act, Draw draw = plain) {
  return norm_sample(name, x, draw, {groups, int64_t(act)});
}

Var run(const Vars& x, const Sample& s) { return group_norm(x[0], x[1], x[2], int(s.ints[0]), 1e-6, Act(s.ints[1])); }

const Var x4(Tensor::zeros({2, 3, 3, 6})), c6(Tensor::zeros({6})), c4(Tensor::zeros({4}));

const OpCaseRegistration cases[] = {
    OpCaseRegistration({
        .op = "group_norm", .families = {"group_norm_fwd", "group_norm_bwd"},
        .samples = {sample("ragged", {2, 3, 5, 6}, 3, Act::none), sample("silu", {2, 3, 5, 6}, 2, Act::silu),
                    sample("tokens", {3, 7, 20}, 4, Act::silu), sample("one channel per group", {2, 4, 3, 5}, 5, Act::silu),
                    sample("one group", {2, 2, 2, 9}, 1, Act::none), sample("no positions but one", {3, 8}, 2, Act::none),
                    sample("several strips", {2, 37, 23, 40}, 8, Act::silu)},
        .run = run, .gradgrad = true,
        .errors = {{"groups", [] { group_norm(x4, c6, c6, 4, 1e-6); }, {"group_norm", "groups must divide the 6 channels", "got 4"}},
                   {"gamma", [] { group_norm(x4, c4, c6, 3, 1e-6); }, {"group_norm: gamma must be [6] f32", "got [4]", "[2,3,3,6]"}},
                   {"beta", [] { group_norm(x4, c6, Tensor::zeros({6}, DType::f64), 3, 1e-6); }, {"beta must be [6] f32", "f64"}},
                   {"rank", [] { group_norm(c6, c6, c6, 1, 1e-6); }, {"x must be [N,...,C]", "[6]"}}}}),
    OpCaseRegistration({
        .op = "group_norm, large mean", .families = {"group_norm_fwd", "group_norm_bwd"},
        .samples = {sample("ragged", {2, 9, 5, 6}, 3, Act::none, far), sample("silu", {2, 9, 5, 6}, 2, Act::silu, far),
                    sample("several strips", {1, 40, 25, 36}, 4, Act::none, far)},
        .run = run, .f32_grad_tolerance = 1e-4}),
    OpCaseRegistration({
        .op = "instance_norm", .families = {"group_norm_fwd", "group_norm_bwd"},
        .samples = {{"plain", {{2, 3, 4, 5}}}, norm_sample("affine", {2, 3, 4, 5})},
        .run = [](const Vars& x, const Sample&) { return instance_norm(x[0], x.size() > 1 ? x[1] : Var(), x.size() > 1 ? x[2] : Var(), 1e-5); },
        .gradgrad = true,
        .errors = {{"half affine", [] { instance_norm(x4, c6, {}, 1e-5); }, {"instance_norm", "both"}}}}),
};

}  // namespace
