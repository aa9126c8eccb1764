// Losses. A mean of n terms of one sign is good to about one f32 rounding; where terms cancel (wgan) the tolerance is relative to a
// result that is small against the terms.
#include "autograd/ops/losses.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops/cosine_triplet.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

using Pair = Var (*)(const Var&, const Var&);

OpCase pixel(const char* op, Pair f) {
  return {.op = op, .families = {"mean_loss_fwd", "mean_loss_bwd"},
          .samples = {{"ragged", {{2, 3, 5, 7}, {2, 3, 5, 7}}}, {"one", {{1}, {1}}}, {"scalar", {{}, {}}}, {"long", {{40007}, {40007}}}},
          .run = [f](const Vars& x, const Sample&) { return f(x[0], x[1]); },
          .f32_tolerance = 5e-7, .gradgrad = true,
          .errors = {{"shape", [f] { f(Tensor::zeros({2, 3}), Tensor::zeros({3})); }, {op, "[2,3]", "[3]"}},
                     {"empty", [f] { f(Tensor::zeros({0}), Tensor::zeros({0})); }, {op, "empty"}}}};
}

const OpCaseRegistration l1_case{pixel("l1_loss", l1_loss)};
const OpCaseRegistration mse_case{pixel("mse_loss", mse_loss)};
const OpCaseRegistration smooth_case{pixel("smooth_l1_loss", [](const Var& a, const Var& b) { return smooth_l1_loss(a, b, 0.7); })};
const OpCaseRegistration charbonnier_case{pixel("charbonnier_loss", [](const Var& a, const Var& b) { return charbonnier_loss(a, b, 0.1); })};

const OpCaseRegistration gan_case{{
    .op = "gan_loss", .families = {"unary_fwd", "unary_bwd", "reduce_sum"},
    .samples = {{"logits", {{2, 3, 4, 1}}, {.std = 2}}},
    .run = [](const Vars& x, const Sample&) {
      Vars all;
      for (GanKind kind : {GanKind::hinge, GanKind::vanilla, GanKind::lsgan, GanKind::wgan, GanKind::wgan_softplus})
        for (bool real : {true, false})
          for (bool disc : {true, false}) all.push_back(gan_loss(kind, x[0], real, disc));
      return stack(std::span<const Var>(all));
    },
    .f32_tolerance = 1e-6, .gradgrad = true}};

const OpCaseRegistration kl_case{{
    .op = "kl_div_batchmean", .families = {"unary_fwd", "unary_bwd"},
    .samples = {{"ragged", {{4, 6}, {4, 6}}}},
    .run = [](const Vars& x, const Sample&) { return kl_div_batchmean(log_softmax(x[0]), softmax(x[1])); },
    .f32_tolerance = 2e-6, .bf16_tolerance = 6 * 0x1p-9,  // six results are rounded on the way
    .gradgrad = true,
    .errors = {{"shape", [] { kl_div_batchmean(Tensor::zeros({2, 3}), Tensor::zeros({3})); }, {"kl_div_batchmean", "[2,3]", "[3]"}}}}};

const OpCaseRegistration normalize_case{{
    .op = "l2_normalize", .families = {"reduce_sum", "binary"},
    .samples = {{.name = "last", .shapes = {{3, 5, 37}}, .ints = {-1}}, {.name = "middle", .shapes = {{3, 5, 7}}, .ints = {1}}},
    .run = [](const Vars& x, const Sample& s) { return l2_normalize(x[0], int(s.ints[0])); },
    .f32_tolerance = 1e-6, .gradgrad = true,
    .errors = {{"eps", [] { l2_normalize(Tensor::zeros({2, 3}), 1, 0); }, {"l2_normalize", "eps", "0"}}}}};

const OpCaseRegistration cosine_case{{
    .op = "cosine_similarity", .families = {"reduce_sum", "binary"},
    .samples = {{"ragged", {{4, 8}, {4, 8}}}},
    .run = [](const Vars& x, const Sample&) { return cosine_similarity(x[0], x[1]); },
    .f32_tolerance = 1e-6, .bf16_tolerance = 8 * 0x1p-9,  // eight results are rounded on the way
    .gradgrad = true,
    .errors = {{"shape", [] { cosine_similarity(Tensor::zeros({2, 3}), Tensor::zeros({2, 4})); }, {"cosine_similarity", "[2,3]", "[2,4]"}}}}};

const OpCaseRegistration gram_case{{
    .op = "gram", .families = {"unary_fwd"},
    .samples = {{"ragged", {{2, 3, 5, 7}}}},
    .run = [](const Vars& x, const Sample&) { return gram(x[0]); },
    .f32_tolerance = 1e-6, .bf16_tolerance = 2 * 0x1p-8,  // the product and the quotient are rounded
    .gradgrad = true,
    .errors = {{"rank", [] { gram(Tensor::zeros({2, 3})); }, {"gram", "[N,H,W,C]", "[2,3]"}}}}};

}  // namespace

TEST_CASE("zero vectors give finite normalisations, cosines and triplets") {
  const Var zero(Tensor::zeros({2, 3}), true), one(Tensor::full({2, 3}, 1), true);
  for (const Var& y : {l2_normalize(zero), cosine_similarity(zero, one), cosine_triplet(zero, one, zero), cosine_triplet(one, zero, one)})
    for (const Var& g : grad(y, {zero, one}, Tensor::full(y.shape(), 1)))
      for (int64_t i = 0; g && i < g.numel(); ++i) CHECK(std::isfinite(g.value().item(i)));
  CHECK(cosine_triplet(one, one, one).item() == doctest::Approx(std::log(2.0)));
}
