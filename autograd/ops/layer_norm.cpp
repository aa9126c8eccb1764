#include "autograd/ops/layer_norm.h"

#include "autograd/engine.h"
#include "autograd/op_scope.h"
#include "autograd/ops/group_norm.h"
#include "kernels/layer_norm.h"
#include "tensor/context.h"

namespace kintsugi {

Var layer_norm(const Var& x, const Var& gamma, const Var& beta, double eps) {
  const char* op = "layer_norm";
  const OpScope scope(op, {{"x", x}, {"gamma", gamma}, {"beta", beta}});
  KIN_CHECK(x.rank() >= 1, op, ": x must be [...,C], got ", x.value());
  const int64_t channels = x.dim(-1), rows = x.shape().product(0, x.rank() - 1);
  check_channel_vector(op, "gamma", gamma, channels, x);
  check_channel_vector(op, "beta", beta, channels, x);
  const Tensor& v = x.value();
  Tensor y(v.shape(), v.dtype(), v.device()), mean({rows}, statistics_dtype(v.dtype()), v.device()), rstd({rows}, mean.dtype(), v.device());
  layer_norm_fwd(context_of(v), {.x = v.raw(), .gamma = gamma.value().raw(), .beta = beta.value().raw(), .y = y.raw(),
                                 .mean = mean.raw(), .rstd = rstd.raw(), .rows = rows, .channels = channels, .eps = eps,
                                 .dtype = v.dtype()});
  return record(op, {x, gamma, beta}, y,
                [=, x = Saved(op, x), gamma = Saved(op, gamma), beta = Saved(op, beta)](const Var& gy, const Wants& want) -> Vars {
                  if (grad_mode()) {  // a row is a sample with one position and one group
                    const GroupNormView view{op, rows, 1, channels, 1, eps};
                    return regrad([&](const Vars& in) { return group_norm_composed(in, view); }, {x.var(), gamma.var(), beta.var()}, gy);
                  }
                  auto wanted = [&](int i, const Saved& s) {
                    return want[i] ? Tensor(s.value().shape(), gy.dtype(), gy.value().device()) : Tensor();
                  };
                  const Tensor gx = wanted(0, x), ggamma = wanted(1, gamma), gbeta = wanted(2, beta);
                  layer_norm_bwd(context_of(gy.value()),
                                 {.gy = gy.value().raw(), .x = x.value().raw(), .gamma = gamma.value().raw(), .mean = mean.raw(),
                                  .rstd = rstd.raw(), .gx = gx.raw(), .ggamma = ggamma.raw(), .gbeta = gbeta.raw(), .rows = rows,
                                  .channels = channels, .dtype = gy.dtype()});
                  auto var = [](const Tensor& t) { return t ? Var(t) : Var(); };
                  return {var(gx), var(ggamma), var(gbeta)};
                });
}

}  // namespace kintsugi
