// One product per element forward; the slope's gradient adds products of one channel in f64.
#include "autograd/ops/prelu.h"

#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

const OpCaseRegistration prelu_case{{
    .op = "prelu", .families = {"prelu_fwd", "prelu_bwd"},
    .samples = {{"ragged", {{2, 5, 3, 7}, {7}}}, {"one slope", {{4, 5}, {1}}}, {"one channel", {{9, 1}, {1}}}, {"many rows", {{5000, 33}, {33}}}},
    .run = [](const Vars& x, const Sample&) { return prelu(x[0], x[1]); },
    .f32_tolerance = 2e-7, .f32_grad_tolerance = 1e-6, .gradgrad = true,
    .errors = {{"slope", [] { prelu(Tensor::zeros({2, 3}), Tensor::zeros({4})); }, {"prelu", "slope", "[3]", "[4]"}},
               {"dtype", [] { prelu(Tensor::zeros({2, 3}), Tensor::zeros({3}, DType::f64)); }, {"prelu", "slope", "f32", "f64"}}}}};

}  // namespace
