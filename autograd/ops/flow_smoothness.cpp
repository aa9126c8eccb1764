#include "autograd/ops/flow_smoothness.h"

#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"

namespace kintsugi {
namespace {

void check_flow(const char* op, const Var& flow) {
  KIN_CHECK(flow.rank() == 4 && flow.dim(1) > 1 && flow.dim(2) > 1, op, ": flow must be [N,H,W,2] with H and W at least 2, got ",
            flow.value());
}

Var difference(const Var& flow, int axis) {
  const int64_t n = flow.dim(axis) - 1;
  return narrow(flow, axis, 1, n) - narrow(flow, axis, 0, n);
}

}  // namespace

Var flow_smoothness(const Var& flow, SmoothnessNorm norm) {
  check_flow("flow_smoothness", flow);
  const auto roughness = [&](int axis) {
    const Var d = difference(flow, axis);
    return mean(norm == SmoothnessNorm::l1 ? abs(d) : square(d));
  };
  return (roughness(1) + roughness(2)) * 0.5;
}

Var flow_roughness(const Var& flow) {
  check_flow("flow_roughness", flow);
  return sum(square(difference(flow, 1))) + sum(square(difference(flow, 2)));
}

}  // namespace kintsugi
