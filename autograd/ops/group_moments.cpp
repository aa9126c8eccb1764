#include "autograd/ops/group_moments.h"

#include "autograd/graph.h"
#include "autograd/op_scope.h"
#include "kernels/group_moments.h"
#include "tensor/context.h"

namespace kintsugi {

Tensor known_moments(const Var& x, int64_t groups) {
  const VarState& state = *x.state();
  const bool valid = state.moments && state.moments_of_version == x.value().version() && state.moments.shape() == Shape{x.dim(0), groups, 2};
  return valid ? state.moments : Tensor();
}

Tensor moments_of(const Var& x, int groups) {
  const OpScope scope("group_moments", {{"x", x}});
  KIN_CHECK(x.rank() >= 2, "group_moments: x must be [N,...,C], got ", x.value());
  KIN_CHECK(groups >= 1 && x.dim(-1) % groups == 0, "group_moments: groups must divide the ", x.dim(-1), " channels, got ", groups,
            " (x: ", x.value(), ")");
  const Tensor& v = x.value();
  if (const Tensor known = known_moments(x, groups)) return known;
  Tensor moments({v.dim(0), groups, 2}, DType::f64, v.device());
  group_moments(context_of(v), {v.raw(), moments.raw<double>(), v.dim(0), v.shape().product(1, v.rank() - 1), v.dim(-1), groups, v.dtype()});
  return moments;
}

void leave_moments(const Var& x, Tensor moments) {
  x.state()->moments = std::move(moments);
  x.state()->moments_of_version = x.value().version();
}

}  // namespace kintsugi
