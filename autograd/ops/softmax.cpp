#include "autograd/ops/softmax.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "kernels/softmax.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

Tensor run_forward(const Family<SoftmaxFwd>& family, const Tensor& x) {
  Tensor y(x.shape(), x.dtype(), x.device());
  family(context_of(x), {x.raw(), y.raw(), x.shape().product(0, x.rank() - 1), x.dim(-1), x.dtype()});
  return y;
}

Var run_backward(const Family<SoftmaxBwd>& family, const Tensor& gy, const Tensor& y) {
  Tensor gx(y.shape(), y.dtype(), y.device());
  family(context_of(y), {gy.raw(), y.raw(), gx.raw(), y.shape().product(0, y.rank() - 1), y.dim(-1), y.dtype()});
  return gx;
}

}  // namespace

Var softmax(const Var& x) {
  const OpScope scope("softmax", {{"x", x}});
  KIN_CHECK(x.rank() >= 1 && x.dim(-1) >= 1, "softmax: x must be [...,K] with K >= 1, got ", x.value());
  const Tensor y = run_forward(softmax_fwd, x.value());
  return record("softmax", {x}, y, [y, saved = Saved("softmax", x)](const Var& gy, const Wants&) -> Vars {
    if (!grad_mode()) return {run_backward(softmax_bwd, gy.value(), y)};
    const Var again = softmax(saved.var());
    return {again * (gy - sum(gy * again, {-1}, true))};
  });
}

Var log_softmax(const Var& x) {
  const OpScope scope("log_softmax", {{"x", x}});
  KIN_CHECK(x.rank() >= 1 && x.dim(-1) >= 1, "log_softmax: x must be [...,K] with K >= 1, got ", x.value());
  const Tensor y = run_forward(log_softmax_fwd, x.value());
  return record("log_softmax", {x}, y, [y, saved = Saved("log_softmax", x)](const Var& gy, const Wants&) -> Vars {
    if (!grad_mode()) return {run_backward(log_softmax_bwd, gy.value(), y)};
    return {gy - softmax(saved.var()) * sum(gy, {-1}, true)};
  });
}

}  // namespace kintsugi
