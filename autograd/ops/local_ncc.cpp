#include "autograd/ops/local_ncc.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "kernels/local_ncc.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

LocalNccFwd forward_args(const Tensor& a, const Tensor& b, const LocalNcc& o) {
  return {a.raw(), b.raw(), nullptr, a.dim(0), a.dim(1), a.dim(2), a.dim(3), o.window, o.zero_padded, o.eps, a.dtype()};
}

}  // namespace

Var local_ncc(const Var& a, const Var& b, LocalNcc o) {
  const OpScope scope("local_ncc", {{"a", a}, {"b", b}});
  KIN_CHECK(a.rank() == 4, "local_ncc: a must be [N,H,W,C], got ", a.value());
  KIN_CHECK(b.shape() == a.shape() && b.dtype() == a.dtype(), "local_ncc: b must be ", a.value(), ", got ", b.value());
  KIN_CHECK(o.window > 0 && o.window % 2 == 1, "local_ncc: window must be odd and positive, got ", o.window);
  KIN_CHECK(o.zero_padded || (a.dim(1) >= o.window && a.dim(2) >= o.window), "local_ncc: window must fit the image without padding, got ",
            o.window, " (a: ", a.value(), ")");
  LocalNccFwd args = forward_args(a.value(), b.value(), o);
  Tensor cc({a.dim(0), args.out_h(), args.out_w(), a.dim(3)}, a.dtype(), a.value().device());
  args.cc = cc.raw();
  local_ncc_fwd(context_of(cc), args);
  return record("local_ncc", {a, b}, cc, [a = Saved("local_ncc", a), b = Saved("local_ncc", b), o](const Var& g, const Wants& want) {
    no_double_backward("local_ncc");
    const Tensor &p = a.value(), &q = b.value();
    Tensor ga, gb;
    if (want[0]) ga = Tensor(p.shape(), p.dtype(), p.device());
    if (want[1]) gb = Tensor(q.shape(), q.dtype(), q.device());
    local_ncc_bwd(context_of(p), {forward_args(p, q, o), g.value().raw(), ga.raw(), gb.raw()});
    return Vars{want[0] ? Var(ga) : Var(), want[1] ? Var(gb) : Var()};
  });
}

}  // namespace kintsugi
