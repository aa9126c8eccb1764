#include "autograd/ops/prelu.h"

#include "autograd/engine.h"
#include "autograd/op_scope.h"
#include "autograd/node.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/shape.h"
#include "autograd/replay.h"
#include "kernels/prelu.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

/// y = x (m + (1 - m) slope) with m = [x > 0], a constant.
Var composed(const Vars& in) {
  const Var m = greater(in[0], Tensor::zeros({}, in[0].dtype(), in[0].value().device()));
  return in[0] * (m + (1.0 - m) * in[1]);
}

}  // namespace

Var prelu(const Var& x, const Var& slope) {
  const OpScope scope("prelu", {{"x", x}, {"slope", slope}});
  KIN_CHECK(x.rank() >= 1, "prelu: x must be [...,C], got ", x.shape());
  const int64_t c = x.dim(-1);
  if (slope.shape() == Shape{1} && c != 1) return prelu(x, expand(slope, {c}));
  KIN_CHECK(slope.shape() == Shape{c}, "prelu: slope must be [", c, "] or [1], got ", slope.shape(), " (x: ", x.value(), ")");
  KIN_CHECK(slope.dtype() == x.dtype(), "prelu: slope must be ", x.dtype(), ", got ", slope.dtype());
  if (replaying()) return composed({x, slope});
  const int64_t rows = c ? x.numel() / c : 0;
  Tensor y(x.shape(), x.dtype(), x.value().device());
  prelu_fwd(context_of(y), {x.dtype(), rows, c, x.value().raw(), slope.value().raw(), y.raw()});
  return record("prelu", {x, slope}, y,
                [rows, c, x = Saved("prelu", x), slope = Saved("prelu", slope)](const Var& gy, const Wants& want) -> Vars {
                  if (grad_mode()) return regrad(composed, {x.var(), slope.var()}, gy);
                  const Tensor &v = x.value(), &s = slope.value();
                  Tensor gx = want[0] ? Tensor(v.shape(), v.dtype(), v.device()) : Tensor();
                  Tensor gs = want[1] ? Tensor(s.shape(), v.dtype(), v.device()) : Tensor();
                  prelu_bwd(context_of(v), {v.dtype(), rows, c, v.raw(), s.raw(), gy.value().raw(), gx.raw(), gs.raw()});
                  return {gx ? Var(gx) : Var(), gs ? Var(gs) : Var()};
                });
}

}  // namespace kintsugi
