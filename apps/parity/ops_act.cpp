// ops_act: elementwise activations and softmax. The activation's parameter is in the case's name.
#include <map>

#include "apps/parity/op_run.h"
#include "autograd/ops/prelu.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/unary.h"

namespace kintsugi::parity {
namespace {

OpAdapter elementwise(std::function<Var(const Var&)> f) {
  return [f = std::move(f)](OpRun& r) { r.output("out", f(r.input("x"))); };
}

OpAdapter choose(const std::string& name, const Json&) {
  static const std::map<std::string, OpAdapter> adapters{
      {"gelu", elementwise(gelu)},
      {"gelu_tanh", elementwise(gelu_tanh)},
      {"swish", elementwise(silu)},
      {"relu", elementwise(relu)},
      {"leaky_relu_0.2", elementwise([](const Var& x) { return leaky_relu(x, 0.2); })},
      {"leaky_relu_0.1", elementwise([](const Var& x) { return leaky_relu(x, 0.1); })},
      {"sigmoid", elementwise(sigmoid)},
      {"tanh", elementwise(static_cast<Var (*)(Var)>(tanh))},
      {"softplus", elementwise(softplus)},
      {"hardswish", elementwise(hardswish)},
      {"exp", elementwise(static_cast<Var (*)(Var)>(exp))},
      {"prelu", [](OpRun& r) { r.output("out", prelu(r.input("x", nchw), r.input("w")), nchw); }},
      {"softmax_last", elementwise(softmax)},
      {"log_softmax", elementwise(log_softmax)},
      {"softmax_mid", [](OpRun& r) { r.output("out", softmax(r.input("x", {0, 2, 1})), {0, 2, 1}); }},
  };
  const auto found = adapters.find(name);
  return found == adapters.end() ? OpAdapter{} : found->second;
}

const ParityRegistration registration(op_kind("ops_act", choose));

}  // namespace
}  // namespace kintsugi::parity
