#include "autograd/ops/cosine_triplet.h"

#include "autograd/engine.h"
#include "autograd/op_scope.h"
#include "autograd/node.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "kernels/cosine_triplet.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

Var composed(const Vars& in, double eps) {
  Vars unit;
  for (const Var& x : in) unit.push_back(l2_normalize(reshape(x, {x.dim(0), x.numel() / x.dim(0)}), 1, eps));
  return mean(softplus(sum(unit[2] * unit[1], {1}) - sum(unit[0] * unit[1], {1})));
}

}  // namespace

Var cosine_triplet(const Var& positive, const Var& anchor, const Var& negative, double eps) {
  const OpScope scope("cosine_triplet", {{"positive", positive}, {"anchor", anchor}, {"negative", negative}});
  KIN_CHECK(anchor.rank() >= 1 && anchor.dim(0) >= 1, "cosine_triplet: anchor must be [B,...] with B >= 1, got ", anchor.shape());
  const auto check = [&](const char* which, const Var& x) {
    KIN_CHECK(x.shape() == anchor.shape() && x.dtype() == anchor.dtype(), "cosine_triplet: ", which, " must be like anchor ", anchor.value(),
              ", got ", x.value());
  };
  check("positive", positive);
  check("negative", negative);
  KIN_CHECK(eps > 0, "cosine_triplet: eps must be positive, got ", eps);

  const Tensor& a = anchor.value();
  const int64_t batch = a.dim(0), n = a.numel() / batch;
  Tensor loss({}, a.dtype(), a.device()), dots({batch, 5}, DType::f64, a.device());
  cosine_triplet_fwd(context_of(a), {a.dtype(), batch, n, eps, positive.value().raw(), a.raw(), negative.value().raw(), loss.raw(), dots.raw<double>()});
  const char* op = "cosine_triplet";
  return record(op, {positive, anchor, negative}, loss,
                [=, p = Saved(op, positive), a = Saved(op, anchor), q = Saved(op, negative)](const Var& gy, const Wants& want) -> Vars {
                  if (grad_mode()) return regrad([eps](const Vars& in) { return composed(in, eps); }, {p.var(), a.var(), q.var()}, gy);
                  const Tensor& v = a.value();
                  Tensor g[3];
                  for (int i = 0; i < 3; ++i)
                    if (want[i]) g[i] = Tensor(v.shape(), v.dtype(), v.device());
                  cosine_triplet_bwd(context_of(v), {v.dtype(), batch, n, eps, p.value().raw(), v.raw(), q.value().raw(), dots.raw<double>(),
                                                     gy.value().raw(), g[0].raw(), g[1].raw(), g[2].raw()});
                  Vars out(3);
                  for (size_t i = 0; i < 3; ++i)
                    if (g[i]) out[i] = g[i];
                  return out;
                });
}

}  // namespace kintsugi
