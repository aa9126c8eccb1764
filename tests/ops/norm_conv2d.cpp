// Convolutions that normalise x on the way in and leave moments of y behind: inference only, so nothing here is differentiated.
// Tolerances are those of conv2d (tests/ops/conv2d.cpp) and of group_norm (2e-6) together; a chain of two has them twice.
// tests/ops/conv2d_winograd.cpp has images of several blocks, and moments about a large mean. A GPU takes group_norm and conv2d for it, one after the
// other; tests/ops/conv2d_moments.cpp has the moments that its rows leave between them.
#include "autograd/ops/conv2d.h"
#include "autograd/ops/group_moments.h"
#include "autograd/precision.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

const Draw plain{}, far{.mean = 1e3}, gain{.mean = 1, .std = 0.3};

// ints: groups of the norm, act, then stride, top, bottom, left, right, dilation, groups of the convolution.
Sample sample(const char* name, Shape x, Shape w, std::vector<int64_t> ints, Draw of_x = plain) {
  const int64_t c = x[-1], o = w[0];
  return {.name = name, .shapes = {x, {c}, {c}, w, {o}}, .draws = {of_x, gain, plain, plain, plain}, .ints = std::move(ints)};
}
Sample with_residual(Sample s, Shape residual) {
  s.shapes.push_back(residual);
  return s;
}
// x, its norm, a convolution, the norm of its result, another convolution.
Sample chain(const char* name, Shape x, int64_t middle, int64_t out, std::vector<int64_t> ints) {
  const int64_t c = x[-1];
  return {.name = name, .shapes = {x, {c}, {c}, {middle, 3, 3, c}, {middle}, {middle}, {middle}, {out, 3, 3, middle}},
          .draws = {plain, gain, plain, plain, plain, gain, plain, plain}, .ints = std::move(ints)};
}

Conv2dOptions options(const Sample& s) {
  const auto i = [&](int k) { return int(s.ints[size_t(k)]); };
  return {i(2), {i(3), i(4), i(5), i(6)}, i(7), i(8)};
}
NormBefore norm(const Vars& v, size_t first, const Sample& s) { return {v[first], v[first + 1], int(s.ints[0]), 1e-6, Act(s.ints[1])}; }

Var run_one(const Vars& v, const Sample& s) {
  const NoGrad off;
  return norm_conv2d(v[0], norm(v, 1, s), v[3], v[4], options(s), v.size() > 5 ? v[5] : Var());
}
Var run_fast(const Vars& v, const Sample& s) {
  const PrecisionGuard guard(Precision::fast);
  return run_one(v, s);
}
Var run_chain(const Vars& v, const Sample& s) {
  const NoGrad off;
  const PrecisionGuard guard(Precision::fast);
  Conv2dOptions o = options(s);
  o.norm_groups = int(s.ints[0]);
  const Var h = norm_conv2d(v[0], norm(v, 1, s), v[3], v[4], o);
  return norm_conv2d(h, norm(v, 5, s), v[7], {}, options(s));
}

const int64_t silu = int64_t(Act::silu), none = int64_t(Act::none);
const std::map<std::string, double> tf32{{"conv2d_fwd=tf32", 0x1p-9}};

const std::vector<Sample> single = {
    sample("3x3 ragged", {2, 7, 6, 6}, {5, 3, 3, 6}, {3, silu, 1, 1, 1, 1, 1, 1, 1}),
    sample("3x3 of many channels", {1, 7, 10, 32}, {48, 3, 3, 32}, {8, silu, 1, 1, 1, 1, 1, 1, 1}),
    sample("odd sizes, several images", {3, 9, 11, 48}, {32, 3, 3, 48}, {3, silu, 1, 1, 1, 1, 1, 1, 1}),
    sample("sides differ, two groups", {1, 6, 7, 64}, {64, 3, 3, 32}, {4, silu, 1, 0, 2, 3, 1, 1, 2}),
    sample("no act", {1, 6, 8, 32}, {32, 3, 3, 32}, {32, none, 1, 1, 1, 1, 1, 1, 1}),
    sample("to three channels", {1, 6, 7, 20}, {3, 3, 3, 20}, {4, none, 1, 1, 1, 1, 1, 1, 1}),
    sample("stride 2", {1, 7, 8, 6}, {4, 3, 3, 6}, {2, silu, 2, 0, 1, 0, 1, 1, 1}),
    sample("1x1", {2, 5, 4, 6}, {3, 1, 1, 6}, {2, silu, 1, 0, 0, 0, 0, 1, 1}),
    sample("depthwise", {1, 7, 6, 18}, {18, 3, 3, 1}, {3, silu, 1, 1, 1, 1, 1, 1, 18}),
    with_residual(sample("residual", {1, 7, 10, 32}, {48, 3, 3, 32}, {4, silu, 1, 1, 1, 1, 1, 1, 1}), {1, 7, 10, 48}),
    sample("large mean", {2, 9, 7, 6}, {5, 3, 3, 6}, {2, silu, 1, 1, 1, 1, 1, 1, 1}, far),
    sample("many channels, large mean", {1, 9, 8, 32}, {32, 3, 3, 32}, {8, silu, 1, 1, 1, 1, 1, 1, 1}, far)};

const std::vector<Sample> many_channels = {single[1], single[2], single[3], single[11]};

const std::vector<Sample> chains = {
    chain("ragged", {2, 7, 5, 6}, 9, 4, {3, silu, 1, 1, 1, 1, 1, 1, 1}),
    chain("many channels", {2, 9, 7, 32}, 48, 32, {4, silu, 1, 1, 1, 1, 1, 1, 1}),
    chain("images of 128 pixels", {1, 16, 8, 32}, 32, 32, {4, silu, 1, 1, 1, 1, 1, 1, 1}),
    chain("one channel per group", {1, 10, 9, 32}, 32, 32, {32, silu, 1, 1, 1, 1, 1, 1, 1})};

const OpCaseRegistration cases[] = {
    OpCaseRegistration({.op = "norm_conv2d", .families = {"conv2d_fwd"}, .samples = single, .run = run_one,
                        .f32_tolerance = 4e-6, .row_tolerance = tf32, .bf16_tolerance = 0x1p-7, .differentiable = false,
                        .errors = {{"gamma", [] {
                                      const NoGrad off;
                                      const Var x(Tensor::zeros({1, 4, 4, 6})), w(Tensor::zeros({2, 3, 3, 6})), g(Tensor::zeros({4}));
                                      norm_conv2d(x, {g, g, 2, 1e-6}, w);
                                    }, {"norm_conv2d: gamma must be [6] f32", "got [4]"}},
                                   {"groups", [] {
                                      const NoGrad off;
                                      const Var x(Tensor::zeros({1, 4, 4, 6})), w(Tensor::zeros({2, 3, 3, 6})), g(Tensor::zeros({6}));
                                      norm_conv2d(x, {g, g, 4, 1e-6}, w);
                                    }, {"group_moments: groups must divide the 6 channels", "got 4"}}}}),
    OpCaseRegistration({.op = "norm_conv2d fast", .families = {"conv2d_fwd"}, .samples = many_channels, .run = run_fast,
                        .f32_tolerance = 8e-6, .row_tolerance = tf32, .bf16_tolerance = 0x1p-7, .differentiable = false}),
    OpCaseRegistration({.op = "norm_conv2d twice", .families = {"conv2d_fwd"}, .samples = chains, .run = run_chain,
                        .f32_tolerance = 16e-6, .row_tolerance = tf32, .bf16_tolerance = 0x1p-6, .differentiable = false}),
    OpCaseRegistration({.op = "group_moments", .families = {"group_moments"},
                        .samples = {{"ragged", {{3, 5, 7, 6}}, {}, {}, {3}}, {"several strips", {{2, 37, 23, 40}}, {}, {}, {8}},
                                    {"large mean", {{1, 40, 25, 36}}, far, {}, {4}}},
                        .run = [](const Vars& v, const Sample& s) { return Var(moments_of(v[0], int(s.ints[0]))); },
                        .bf16_tolerance = 2e-6, .differentiable = false,  // moments of bf16 are f64
                        .errors = {{"groups", [] { moments_of(Tensor::zeros({2, 3, 6}), 4); }, {"group_moments", "groups must divide the 6 channels", "got 4"}},
                                   {"rank", [] { moments_of(Tensor::zeros({6}), 2); }, {"group_moments", "x must be [N,...,C]", "[6]"}}}}),
};

}  // namespace
}  // namespace kintsugi::testing
