#include "autograd/ops/losses.h"

#include <limits>

#include "autograd/engine.h"
#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/replay.h"
#include "kernels/mean_loss.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

Var composed(MeanLossKind kind, double param, const Vars& in) {
  const Var d = in[0] - in[1];
  switch (kind) {
    case MeanLossKind::l1: return mean(abs(d));
    case MeanLossKind::mse: return mean(square(d));
    case MeanLossKind::smooth_l1: {  // c = d inside, +-beta outside: both pieces are c (d - c/2) / beta
      const Var c = clamp(d, -param, param);
      return mean(c * (d - 0.5 * c)) / param;
    }
    case MeanLossKind::charbonnier: return mean(sqrt(square(d) + param));
  }
  return {};
}

Var mean_loss(MeanLossKind kind, const Var& a, const Var& b, double param = 1) {
  const char* op = name(kind);
  const OpScope scope(op, {{"a", a}, {"b", b}});
  KIN_CHECK(a.shape() == b.shape() && a.dtype() == b.dtype(), op, ": a and b must be alike, got ", a.value(), " and ", b.value());
  KIN_CHECK(a.numel() > 0, op, ": a must not be empty, got ", a.shape());
  KIN_CHECK(param > 0, op, ": ", kind == MeanLossKind::smooth_l1 ? "beta" : "eps", " must be positive, got ", param);
  if (replaying()) return composed(kind, param, {a, b});
  Tensor y({}, a.dtype(), a.value().device());
  mean_loss_fwd(context_of(y), {kind, param, a.dtype(), a.numel(), a.value().raw(), b.value().raw(), y.raw()});
  return record(op, {a, b}, y, [=, a = Saved(op, a), b = Saved(op, b)](const Var& gy, const Wants& want) -> Vars {
    if (grad_mode()) return regrad([=](const Vars& in) { return composed(kind, param, in); }, {a.var(), b.var()}, gy);
    const Tensor& v = a.value();
    Tensor ga = want[0] ? Tensor(v.shape(), v.dtype(), v.device()) : Tensor();
    Tensor gb = want[1] ? Tensor(v.shape(), v.dtype(), v.device()) : Tensor();
    mean_loss_bwd(context_of(v), {kind, param, v.dtype(), v.numel(), v.raw(), b.value().raw(), gy.value().raw(), ga.raw(), gb.raw()});
    return {ga ? Var(ga) : Var(), gb ? Var(gb) : Var()};
  });
}

/// max(|x|, eps) along the axis, kept. The clamp stands inside the root: a zero vector gets no gradient instead of 0/0.
Var norm_at_least(const Var& x, int axis, double eps) {
  return sqrt(clamp(sum(square(x), {axis}, true), eps * eps, std::numeric_limits<double>::infinity()));
}

}  // namespace

Var l1_loss(const Var& a, const Var& b) { return mean_loss(MeanLossKind::l1, a, b); }
Var mse_loss(const Var& a, const Var& b) { return mean_loss(MeanLossKind::mse, a, b); }
Var smooth_l1_loss(const Var& a, const Var& b, double beta) { return mean_loss(MeanLossKind::smooth_l1, a, b, beta); }
Var charbonnier_loss(const Var& a, const Var& b, double eps) { return mean_loss(MeanLossKind::charbonnier, a, b, eps); }

Var hinge_d_real(const Var& x) { return mean(relu(1.0 - x)); }
Var hinge_d_fake(const Var& x) { return mean(relu(1.0 + x)); }
Var hinge_g(const Var& x) { return -mean(x); }

Var gan_loss(GanKind kind, const Var& x, bool target_is_real, bool is_disc) {
  switch (kind) {
    case GanKind::hinge: return !is_disc ? hinge_g(x) : target_is_real ? hinge_d_real(x) : hinge_d_fake(x);
    case GanKind::vanilla:
    case GanKind::wgan_softplus: return mean(softplus(target_is_real ? -x : x));
    case GanKind::lsgan: return mean(square(target_is_real ? x - 1.0 : x));
    case GanKind::wgan: return target_is_real ? -mean(x) : mean(x);
  }
  fail("gan_loss: kind must be one of the five, got ", int(kind));
}

Var kl_div_batchmean(const Var& log_q, const Var& p) {
  KIN_CHECK(log_q.shape() == p.shape() && p.rank() >= 1 && p.dim(0) > 0, "kl_div_batchmean: log_q and p must both be [B,...], got ",
            log_q.shape(), " and ", p.shape());
  return sum(xlogx(p) - p * log_q) / double(p.dim(0));
}

Var l2_normalize(const Var& x, int axis, double eps) {
  KIN_CHECK(eps > 0, "l2_normalize: eps must be positive, got ", eps);
  return x / norm_at_least(x, axis, eps);
}

Var cosine_similarity(const Var& a, const Var& b, int axis, double eps) {
  KIN_CHECK(a.shape() == b.shape(), "cosine_similarity: a and b must have one shape, got ", a.shape(), " and ", b.shape());
  return sum(l2_normalize(a, axis, eps) * l2_normalize(b, axis, eps), {axis});
}

Var gram(const Var& x) {
  KIN_CHECK(x.rank() == 4, "gram: x must be [N,H,W,C], got ", x.shape());
  const int64_t pixels = x.dim(1) * x.dim(2), c = x.dim(3);
  const Var f = reshape(x, {x.dim(0), pixels, c});
  return matmul(f, f, true, false) / double(c * pixels);
}

}  // namespace kintsugi
