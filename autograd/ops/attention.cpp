#include "autograd/ops/attention.h"

#include "autograd/engine.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
#include "kernels/attention.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

void check(const char* op, const Tensor& q, const Tensor& k, int heads) {
  KIN_CHECK(q.rank() == 3, op, ": q must be [N,T,C], got ", q);
  KIN_CHECK(heads >= 1 && q.dim(2) % heads == 0, op, ": heads must divide the channels, got ", heads, " (q: ", q, ")");
  KIN_CHECK(k.rank() == 3 && k.dim(0) == q.dim(0) && k.dim(1) >= 1 && k.dim(2) == q.dim(2) && k.dtype() == q.dtype(), op, ": k must be [",
            q.dim(0), ",Tk,", q.dim(2), "] ", q.dtype(), " with Tk >= 1, got ", k, " (q: ", q, ")");
}

/// The same from elementary ops, for second derivatives; `in` is {q, k, v}.
Var attention_composed(const Vars& in, int heads, double scale) {
  auto split = [heads](const Var& x) {  // [N,T,C] to [N,heads,T,C/heads]
    return permute(reshape(x, {x.dim(0), x.dim(1), heads, x.dim(2) / heads}), {0, 2, 1, 3});
  };
  const Var p = softmax(matmul(split(in[0]), split(in[1]), false, true) * scale);
  return reshape(permute(matmul(p, split(in[2])), {0, 2, 1, 3}), in[0].shape());
}

}  // namespace

Var attention(const Var& q, const Var& k, const Var& v, int heads, double scale) {
  const char* op = "attention";
  const OpScope scope(op, {{"q", q}, {"k", k}, {"v", v}});
  check(op, q.value(), k.value(), heads);
  KIN_CHECK(v.shape() == k.shape() && v.dtype() == k.dtype(), op, ": v must be shaped like k ", k.value(), ", got ", v.value());
  const int64_t n = q.dim(0), queries = q.dim(1), keys = k.dim(1), channels = q.dim(2);
  Tensor y(q.shape(), q.dtype(), q.value().device());
  attention_fwd(context_of(y), {.q = q.value().raw(), .k = k.value().raw(), .v = v.value().raw(), .y = y.raw(), .n = n,
                                .queries = queries, .keys = keys, .channels = channels, .heads = heads, .scale = scale,
                                .dtype = q.dtype()});
  return record(op, {q, k, v}, y, [=, q = Saved(op, q), k = Saved(op, k), v = Saved(op, v)](const Var& gy, const Wants& want) -> Vars {
    if (grad_mode())
      return regrad([&](const Vars& in) { return attention_composed(in, heads, scale); }, {q.var(), k.var(), v.var()}, gy);
    auto wanted = [&](int i, const Saved& s) {
      return want[i] ? Tensor(s.value().shape(), gy.dtype(), gy.value().device()) : Tensor();
    };
    const Tensor gq = wanted(0, q), gk = wanted(1, k), gv = wanted(2, v);
    attention_bwd(context_of(gy.value()), {.gy = gy.value().raw(), .q = q.value().raw(), .k = k.value().raw(), .v = v.value().raw(),
                                           .gq = gq.raw(), .gk = gk.raw(), .gv = gv.raw(), .n = n, .queries = queries, .keys = keys,
                                           .channels = channels, .heads = heads, .scale = scale, .dtype = gy.dtype()});
    auto var = [](const Tensor& t) { return t ? Var(t) : Var(); };
    return {var(gq), var(gk), var(gv)};
  });
}

Tensor attention_map(const Tensor& q, const Tensor& k, int heads, double scale) {
  const OpScope scope("attention_map", {{"q", q}, {"k", k}});
  check("attention_map", q, k, heads);
  Tensor map({q.dim(0), q.dim(1), k.dim(1)}, q.dtype(), q.device());
  attention_map_fwd(context_of(q), {.q = q.raw(), .k = k.raw(), .map = map.raw(), .n = q.dim(0), .queries = q.dim(1), .keys = k.dim(1),
                                    .channels = q.dim(2), .heads = heads, .scale = scale, .dtype = q.dtype()});
  return map;
}

}  // namespace kintsugi
