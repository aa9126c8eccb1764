// ops_linear: linear layers, matrix products and table look-ups.
#include "apps/parity/op_run.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/matmul.h"

namespace kintsugi::parity {
namespace {

OpAdapter choose(const std::string&, const Json& options) {
  const std::string op = options.value("op", "");
  if (op.rfind("linear", 0) == 0)
    return [](OpRun& r) { r.output("out", linear(r.input("x"), r.input("w"), r.optional_input("b"))); };
  if (op.find("matmul") != std::string::npos) return [](OpRun& r) { r.output("out", matmul(r.input("a"), r.input("b"))); };
  if (op.rfind("embedding", 0) == 0) return [](OpRun& r) { r.output("out", embedding(r.input("w"), r.constant("idx"))); };
  return {};
}

const ParityRegistration registration(op_kind("ops_linear", choose));

}  // namespace
}  // namespace kintsugi::parity
