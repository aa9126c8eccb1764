// Batch normalisation; tolerances as argued in group_norm.cpp. With running values y = x scale + bias cancels where the mean is large,
// so that form is only checked around the means it was trained for.
#include "autograd/ops/batch_norm.h"

#include <doctest/doctest.h>

#include "kernels/running_statistics.h"
#include "tensor/context.h"
#include "tensor/random.h"
#include "tests/ops/norm_samples.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

Var run(const Vars& x, bool training) {
  const Shape c = x[1].shape();
  const Device device = x[0].value().device();
  const Tensor mean = random_normal(c, 0.2, 0.3, 3, "mean", 0, x[0].dtype()).to(device);
  const Tensor var = random_uniform(c, 0.5, 1.5, 3, "var", 0, x[0].dtype()).to(device);
  return batch_norm(x[0], x[1], x[2], mean, var, {.training = training});
}
// The batch's mean and rstd, then the running values, which change in place.
Var running(const Vars& x, const Sample&) {
  const int64_t n = x[0].numel();
  const Tensor all({2, n}, x[0].dtype(), x[0].value().device()), mean = all.rows(0, 1), var = all.rows(1, 2);
  Tensor(mean).copy_(x[2].value().reshape({1, n}));
  Tensor(var).copy_(x[3].value().reshape({1, n}));
  running_statistics(context_of(all), {x[0].value().raw(), x[1].value().raw(), mean.raw(), var.raw(), n, 12, 0.1, 1e-5, x[0].dtype()});
  return all;
}
Var train(const Vars& x, const Sample&) { return run(x, true); }

const OpCaseRegistration cases[] = {
    OpCaseRegistration({
        .op = "batch_norm, training", .families = {"group_norm_fwd", "group_norm_bwd"},
        .samples = {norm_sample("ragged", {2, 3, 5, 7}), norm_sample("rows", {9, 4}), norm_sample("tokens", {2, 11, 3}), norm_sample("several strips", {2, 30, 31, 20})},
        .run = train, .gradgrad = true,
        .errors = {{"one position",
                    [] { batch_norm(Tensor::zeros({1, 3}), Tensor::zeros({3}), Tensor::zeros({3}), Tensor::zeros({3}), Tensor::zeros({3}), {}); },
                    {"batch_norm", "at least two positions", "[1,3]"}},
                   {"running_var",
                    [] { batch_norm(Tensor::zeros({4, 3}), Tensor::zeros({3}), Tensor::zeros({3}), Tensor::zeros({3}), Tensor::zeros({2}), {}); },
                    {"batch_norm: running_var must be [3] f32", "got [2]"}}}}),
    OpCaseRegistration({
        .op = "batch_norm, training, large mean", .families = {"group_norm_fwd", "group_norm_bwd"},
        .samples = {norm_sample("ragged", {2, 3, 5, 7}, far)}, .run = train, .f32_grad_tolerance = 1e-4}),
    OpCaseRegistration({
        .op = "batch_norm, running values", .families = {},
        .samples = {norm_sample("ragged", {2, 3, 5, 7}), norm_sample("one row", {1, 4})},
        .run = [](const Vars& x, const Sample&) { return run(x, false); }, .gradgrad = true}),
    OpCaseRegistration({
        .op = "running_statistics", .families = {"running_statistics"},
        .samples = {{"several blocks", {{300}, {300}, {300}, {300}}, {}, {{}, {.mean = 2, .std = 0.2}, {}, {}}},
                    {"one", {{1}, {1}, {1}, {1}}, {.mean = 1, .std = 0.1}}},
        .run = running, .f32_tolerance = 2e-7, .differentiable = false}),  // computed in f64, kept in f32
};

}  // namespace

TEST_CASE("batch_norm moves the running values towards the mean and the unbiased variance") {
  const Tensor x = Tensor::of<double>({4, 1}, {1, 2, 3, 6}), one = Tensor::full({1}, 1, DType::f64), zero = Tensor::zeros({1}, DType::f64);
  const Tensor mean = Tensor::full({1}, 10, DType::f64), var = Tensor::full({1}, 20, DType::f64);
  batch_norm(x, one, zero, mean, var, {.training = true, .momentum = 0.25, .eps = 1e-5});
  CHECK(mean.item() == doctest::Approx(0.75 * 10 + 0.25 * 3).epsilon(1e-12));
  CHECK(var.item() == doctest::Approx(0.75 * 20 + 0.25 * 14 / 3).epsilon(1e-12));
  const Tensor before = mean.clone();
  batch_norm(x, one, zero, mean, var, {.training = false});
  CHECK(mean.item() == before.item());
}
