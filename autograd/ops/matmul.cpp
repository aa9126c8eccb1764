#include "autograd/ops/matmul.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "kernels/matmul.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

// op(a) op(b) (+ bias) for operands of rank 2 or 3 (a stack of matrices). With `sum` both are stacks and the products are added up.
Tensor product_value(const Tensor& a, const Tensor& b, const Tensor& bias, bool ta, bool tb, bool sum) {
  Matmul p;
  p.m = a.dim(ta ? -1 : -2);
  p.k = a.dim(ta ? -2 : -1);
  p.n = b.dim(tb ? -2 : -1);
  const bool stack = a.rank() == 3 || b.rank() == 3;
  p.batch = a.rank() == 3 ? a.dim(0) : b.rank() == 3 ? b.dim(0) : 1;
  Tensor c(stack && !sum ? Shape{p.batch, p.m, p.n} : Shape{p.m, p.n}, a.dtype(), a.device());
  p.a = a.raw();
  p.b = b.raw();
  p.c = c.raw();
  p.bias = bias.raw();
  p.ta = ta;
  p.tb = tb;
  p.stride_a = a.rank() == 3 ? p.m * p.k : 0;
  p.stride_b = b.rank() == 3 ? p.k * p.n : 0;
  p.stride_c = c.rank() == 3 ? p.m * p.n : 0;
  p.dtype = a.dtype();
  if (p.batch == 0) {  // a sum over no matrices
    c.fill_(0);
    return c;
  }
  batched_matmul(context_of(a), p);
  return c;
}

// c = a' b' with a' = op(a), b' = op(b) has ga' = gc b'^T and gb' = a'^T gc; a transposed operand takes the transpose of that. An operand
// of rank 2 beside a stack collects the sum over the stack.
Var product(const Var& a, const Var& b, bool ta, bool tb, bool sum_stack) {
  return record("matmul", {a, b}, product_value(a.value(), b.value(), {}, ta, tb, sum_stack),
                [sa = Saved("matmul", a), sb = Saved("matmul", b), ta, tb](const Var& gc, const Wants& want) {
                  const Var &a = sa.var(), &b = sb.var();
                  const bool stack = a.rank() == 3 || b.rank() == 3;
                  const bool sum_a = stack && a.rank() == 2, sum_b = stack && b.rank() == 2;
                  Vars g(2);
                  if (want[0]) g[0] = ta ? product(b, gc, tb, true, sum_a) : product(gc, b, false, !tb, sum_a);
                  if (want[1]) g[1] = tb ? product(gc, a, true, ta, sum_b) : product(a, gc, !ta, false, sum_b);
                  return g;
                });
}

// [..., R, C] -> [product of ..., R, C]; a matrix stays one.
Var stack_of(const Var& x) {
  const Shape& s = x.shape();
  return s.rank() <= 3 ? x : reshape(x, {s.product(0, s.rank() - 2), s[-2], s[-1]});
}

bool same_leading_axes(const Shape& a, const Shape& b) {
  if (a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank() - 2; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

}  // namespace

Var matmul(const Var& a, const Var& b, bool transpose_a, bool transpose_b) {
  const OpScope scope("matmul", {{"a", a}, {"b", b}});
  KIN_CHECK(a.rank() >= 2, "matmul: a must be [..., M, K], got ", a.value());
  KIN_CHECK(b.rank() >= 2, "matmul: b must be [..., K, N], got ", b.value());
  KIN_CHECK(a.dtype() == b.dtype(), "matmul: b must be ", a.dtype(), " as a is, got ", b.dtype());
  const int64_t ka = a.dim(transpose_a ? -2 : -1), kb = b.dim(transpose_b ? -1 : -2);
  KIN_CHECK(ka == kb, "matmul: b must have inner length ", ka, ", got ", kb, " (a: ", a.value(), transpose_a ? " transposed" : "",
            ", b: ", b.value(), transpose_b ? " transposed)" : ")");
  KIN_CHECK(a.rank() == 2 || b.rank() == 2 || same_leading_axes(a.shape(), b.shape()), "matmul: b must have the leading axes of a, got ",
            b.shape(), " for ", a.shape());
  const Var c = product(stack_of(a), stack_of(b), transpose_a, transpose_b, false);
  const Shape& lead = a.rank() >= b.rank() ? a.shape() : b.shape();
  if (lead.rank() <= 3) return c;
  Shape out = lead;
  out.set(-2, c.dim(-2));
  out.set(-1, c.dim(-1));
  return reshape(c, out);
}

Var linear(const Var& x, const Var& w, const Var& bias) {
  const OpScope scope("linear", {{"x", x}, {"w", w}, {"bias", bias}});
  KIN_CHECK(w.rank() == 2, "linear: w must be [O,I], got ", w.value());
  KIN_CHECK(x.rank() >= 1 && x.dim(-1) == w.dim(1), "linear: x must be [...,", w.dim(1), "], got ", x.value(), " (w: ", w.shape(), ")");
  KIN_CHECK(x.dtype() == w.dtype(), "linear: w must be ", x.dtype(), " as x is, got ", w.dtype());
  KIN_CHECK(!bias || bias.shape() == Shape{w.dim(0)}, "linear: bias must be [", w.dim(0), "], got ", bias.shape());
  KIN_CHECK(!bias || bias.dtype() == x.dtype(), "linear: bias must be ", x.dtype(), " as x is, got ", bias.dtype());
  const Var rows = x.rank() == 2 ? x : reshape(x, {x.shape().product(0, x.rank() - 1), x.dim(-1)});
  const Var y = record("linear", {rows, w, bias}, product_value(rows.value(), w.value(), bias ? bias.value() : Tensor(), false, true, false),
                       [sx = Saved("linear", rows), sw = Saved("linear", w)](const Var& gy, const Wants& want) {
                         Vars g(3);
                         if (want[0]) g[0] = product(gy, sw.var(), false, false, false);
                         if (want[1]) g[1] = product(gy, sx.var(), true, false, false);
                         if (want[2]) g[2] = sum(gy, {0});
                         return g;
                       });
  if (x.rank() == 2) return y;
  Shape out = x.shape();
  out.set(-1, w.dim(0));
  return reshape(y, out);
}

}  // namespace kintsugi
