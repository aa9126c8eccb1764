#include "autograd/ops/flow_smoothness.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

// Composed of elementwise and reduction ops, whose tolerance this is.
const OpCaseRegistration smoothness_case{{
    .op = "flow_smoothness",
    .families = {},
    .samples = {{"l2", {{2, 5, 4, 2}}, {}, {}, {int64_t(SmoothnessNorm::l2)}}, {"l1", {{1, 2, 6, 2}}, {}, {}, {int64_t(SmoothnessNorm::l1)}}},
    .run = [](const Vars& x, const Sample& s) { return flow_smoothness(x[0], SmoothnessNorm(s.ints[0])); },
    .gradgrad = true,
    .errors = {{"size", [] { flow_smoothness(Tensor::zeros({1, 1, 4, 2})); }, {"flow_smoothness", "[1,1,4,2]"}}},
}};

const OpCaseRegistration roughness_case{{
    .op = "flow_roughness",
    .families = {},
    .samples = {{"ragged", {{2, 5, 4, 2}}}},
    .run = [](const Vars& x, const Sample&) { return flow_roughness(x[0]); },
    .gradgrad = true,
    .errors = {{"rank", [] { flow_roughness(Tensor::zeros({4, 2})); }, {"flow_roughness", "[4,2]"}}},
}};

}  // namespace
}  // namespace kintsugi::testing
