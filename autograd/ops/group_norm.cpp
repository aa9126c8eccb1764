#include "autograd/ops/group_norm.h"

#include "autograd/engine.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/group_moments.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/rehearsal.h"
#include "autograd/reuse.h"
#include "kernels/group_norm.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

Tensor like(const Var& v) { return Tensor(v.shape(), v.dtype(), v.value().device()); }

Vars backward_fused(const GroupNormView& view, const Vars& in, const Tensor& mean, const Tensor& rstd, const Var& gy, const Wants& want) {
  const bool affine = in.size() == 3;
  const Tensor gx = want[0] ? like(in[0]) : Tensor();
  const Tensor ggamma = affine && want[1] ? like(in[1]) : Tensor(), gbeta = affine && want[2] ? like(in[2]) : Tensor();
  group_norm_bwd(context_of(gy.value()),
                 {.gy = gy.value().raw(), .x = in[0].value().raw(), .gamma = affine ? in[1].value().raw() : nullptr,
                  .beta = affine ? in[2].value().raw() : nullptr, .mean = mean.raw(), .rstd = rstd.raw(), .gx = gx.raw(),
                  .ggamma = ggamma.raw(), .gbeta = gbeta.raw(), .n = view.n, .positions = view.positions,
                  .channels = view.channels, .groups = view.groups, .act = view.act, .dtype = gy.dtype()});
  auto var = [](const Tensor& t) { return t ? Var(t) : Var(); };
  return affine ? Vars{var(gx), var(ggamma), var(gbeta)} : Vars{var(gx)};
}

}  // namespace

void check_channel_vector(const char* op, const char* argument, const Var& v, int64_t channels, const Var& x) {
  KIN_CHECK(v && v.shape() == Shape{channels} && v.dtype() == x.dtype(), op, ": ", argument, " must be [", channels, "] ", x.dtype(),
            ", got ", v ? text(v.value()) : "nothing", " (x: ", x.value(), ")");
}

Var group_norm_composed(const Vars& inputs, const GroupNormView& view) {
  const Var x = reshape(inputs[0], {view.n, view.positions, view.groups, view.channels / view.groups});
  const Var d = x - mean(x, {1, 3}, true);
  const Var rstd = rsqrt(mean(square(d), {1, 3}, true) + view.eps);
  Var y = reshape(d * rstd, {view.n, view.positions, view.channels});
  if (inputs.size() == 3) y = y * inputs[1] + inputs[2];
  if (view.act == Act::silu) y = silu(y);
  return reshape(y, inputs[0].shape());
}

GroupNormResult group_norm_view(Var x, const Var& gamma, const Var& beta, const GroupNormView& view) {
  const OpScope scope(view.op, {{"x", x}, {"gamma", gamma}, {"beta", beta}});
  KIN_CHECK(view.groups >= 1 && view.channels % view.groups == 0, view.op, ": groups must divide the ", view.channels,
            " channels, got ", view.groups, " (x: ", x.value(), ")");
  KIN_CHECK(bool(gamma) == bool(beta), view.op, ": gamma and beta must both be given or both be empty, got only ", gamma ? "gamma" : "beta");
  const bool affine = bool(gamma);
  if (affine) {
    check_channel_vector(view.op, "gamma", gamma, view.channels, x);
    check_channel_vector(view.op, "beta", beta, view.channels, x);
  }
  const Tensor& v = x.value();
  // Inference alone takes them: a run that will be repeated with a graph must find the same bits.
  const Tensor moments = grad_mode() || rehearsing() || view.n != x.dim(0) ? Tensor() : known_moments(x, view.groups);
  const Tensor y = result_like(x);
  const Tensor mean({view.n, view.groups}, statistics_dtype(v.dtype()), v.device()), rstd(mean.shape(), mean.dtype(), v.device());
  group_norm_fwd(context_of(v),
                 {.x = v.raw(), .gamma = affine ? gamma.value().raw() : nullptr, .beta = affine ? beta.value().raw() : nullptr,
                  .y = y.raw(), .mean = mean.raw(), .rstd = rstd.raw(), .n = view.n, .positions = view.positions,
                  .channels = view.channels, .groups = view.groups, .eps = view.eps, .act = view.act, .dtype = v.dtype(),
                  .moments = moments ? moments.raw<double>() : nullptr});
  const Vars inputs = affine ? Vars{x, gamma, beta} : Vars{x};
  std::vector<Saved> saved;
  for (const Var& in : inputs) saved.emplace_back(view.op, in);
  const Var out = record(view.op, inputs, y, [view, saved, mean, rstd](const Var& gy, const Wants& want) {
    Vars in;
    for (const Saved& s : saved) in.push_back(s.var());
    if (grad_mode()) return regrad([&](const Vars& v) { return group_norm_composed(v, view); }, in, gy);
    return backward_fused(view, in, mean, rstd, gy, want);
  });
  return {out, mean, rstd};
}

Var group_norm(Var x, const Var& gamma, const Var& beta, int groups, double eps, Act act) {
  KIN_CHECK(x.rank() >= 2, "group_norm: x must be [N,...,C], got ", x.value());
  KIN_CHECK(gamma && beta, "group_norm: gamma and beta must be given");
  const GroupNormView view{"group_norm", x.dim(0), x.shape().product(1, x.rank() - 1), x.dim(-1), groups, eps, act};
  return group_norm_view(std::move(x), gamma, beta, view).y;
}

Var instance_norm(const Var& x, const Var& gamma, const Var& beta, double eps) {
  KIN_CHECK(x.rank() >= 3, "instance_norm: x must be [N,...,C] with positions between, got ", x.value());
  return group_norm_view(x, gamma, beta,
                         {"instance_norm", x.dim(0), x.shape().product(1, x.rank() - 1), x.dim(-1), x.dim(-1), eps}).y;
}

}  // namespace kintsugi
