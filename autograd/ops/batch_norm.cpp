#include "autograd/ops/batch_norm.h"

#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/group_norm.h"
#include "autograd/ops/unary.h"
#include "kernels/base/statistics.h"

namespace kintsugi {
namespace {

// A few numbers per channel, worked out on the CPU wherever the statistics are.
void update_running(Tensor mean_there, Tensor var_there, const GroupNormResult& batch, int64_t rows, const BatchNormOptions& o) {
  const Tensor mean = mean_there.host(), var = var_there.host(), batch_mean = batch.mean.host(), batch_rstd = batch.rstd.host();
  visit_float(mean.dtype(), "batch_norm", [&]<class T>() {
    for (int64_t c = 0; c < mean.numel(); ++c) {
      const double r = batch_rstd.data<T>()[c];
      const double unbiased = (1 / (r * r) - o.eps) * double(rows) / double(rows - 1);
      T &m = mean.data<T>()[c], &v = var.data<T>()[c];
      m = T((1 - o.momentum) * m + o.momentum * batch_mean.data<T>()[c]);
      v = T((1 - o.momentum) * v + o.momentum * unbiased);
    }
  });
  mean_there.copy_(mean);
  var_there.copy_(var);
}

}  // namespace

Var batch_norm(const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean, const Tensor& running_var,
               const BatchNormOptions& o) {
  const char* op = "batch_norm";
  const OpScope scope(op, {{"x", x}, {"gamma", gamma}, {"beta", beta}, {"running_mean", running_mean}, {"running_var", running_var}});
  KIN_CHECK(x.rank() >= 2, op, ": x must be [...,C], got ", x.value());
  const int64_t channels = x.dim(-1), rows = x.shape().product(0, x.rank() - 1);
  check_channel_vector(op, "gamma", gamma, channels, x);
  check_channel_vector(op, "beta", beta, channels, x);
  const DType statistics = statistics_dtype(x.dtype());
  for (const auto& [name, t] : {std::pair{"running_mean", &running_mean}, {"running_var", &running_var}})
    KIN_CHECK(t->shape() == Shape{channels} && t->dtype() == statistics, op, ": ", name, " must be [", channels, "] ", statistics, ", got ", *t, " (x: ", x.value(), ")");
  if (o.training) {
    KIN_CHECK(rows >= 2, op, ": training needs at least two positions per channel, got ", x.value());
    const GroupNormResult batch = group_norm_view(x, gamma, beta, {op, 1, rows, channels, channels, o.eps});
    update_running(running_mean, running_var, batch, rows, o);
    return batch.y;
  }
  const Var scale = cast(gamma, statistics) * rsqrt(Var(running_var.clone()) + o.eps);
  const Var shift = cast(beta, statistics) - running_mean.clone() * scale;
  return x * cast(scale, x.dtype()) + cast(shift, x.dtype());
}

}  // namespace kintsugi
