#include "autograd/ops/gumbel.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops/binary.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

Var run(const Vars& x, bool hard) {
  const Tensor noise = gumbel_noise(x[0].shape(), 4, "noise", 0, x[0].dtype()).to(x[0].value().device());
  const GumbelQuantized q = gumbel_quantize(x[0], x[1], noise, {.temperature = 0.7, .kl_weight = 0.5, .hard = hard});
  return q.z_q + q.loss;
}
const std::vector<Sample> samples = {{"tokens", {{2, 5, 6}, {6, 3}}}, {"image", {{1, 2, 3, 4}, {4, 7}}}};

const OpCaseRegistration cases[] = {
    OpCaseRegistration({.op = "gumbel_quantize, soft", .families = {}, .samples = samples,
                        .run = [](const Vars& x, const Sample&) { return run(x, false); }, .gradgrad = true,
                        .errors = {{"codebook", [] { gumbel_quantize(Tensor::zeros({2, 3}), Tensor::zeros({4, 2}), Tensor::zeros({2, 3}), {}); },
                                    {"gumbel_quantize: codebook must be [3,D]", "[4,2]"}}}}),
    OpCaseRegistration({.op = "gumbel_quantize, hard", .families = {}, .samples = samples,
                        .run = [](const Vars& x, const Sample&) { return run(x, true); }, .gradgrad = true}),
};

}  // namespace

TEST_CASE("gumbel_noise is finite and has the distribution's mean and deviation") {
  const Tensor noise = gumbel_noise({200, 200}, 1, "noise", 0, DType::f64);
  double sum = 0, squares = 0;
  for (double v : noise.span<double>()) {
    sum += v;
    squares += v * v;
  }
  const double n = double(noise.numel()), mean = sum / n, std = std::sqrt(squares / n - mean * mean);
  // Euler's constant and pi / sqrt(6), to four standard errors of 40000 draws (excess kurtosis 2.4). Not finite fails too.
  CHECK(std::fabs(mean - 0.5772157) < 4 * 1.2825 / std::sqrt(n));
  CHECK(std::fabs(std - 1.2825498) < 4 * 1.2825 * std::sqrt(1.1 / n));
}
