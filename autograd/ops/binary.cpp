#include "autograd/ops/binary.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/replay.h"
#include "autograd/reuse.h"
#include "kernels/binary.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

// With `over` the result is written there, over the operand that it is.
Tensor run(BinaryOp op, const Tensor& a, const Tensor& b, Tensor over = {}) {
  KIN_CHECK(a.dtype() == b.dtype(), name(op), ": a and b must have one dtype, got ", a, " and ", b);
  const OpScope scope(name(op), {{"a", a}, {"b", b}});
  const Shape shape = broadcast_shape(name(op), a.shape(), b.shape());
  Tensor y = over && over.shape() == shape ? std::move(over) : Tensor(shape, a.dtype(), a.device());
  if (shape.numel() == 0) return y;
  Binary p{op, a.dtype(), a.raw(), b.raw(), y.raw(), {}};
  int64_t sa[kMaxRank] = {}, sb[kMaxRank] = {}, na = 1, nb = 1;
  for (int d = shape.rank() - 1, k = 1; d >= 0; --d, ++k) {
    const int64_t da = k <= a.rank() ? a.dim(-k) : 1, db = k <= b.rank() ? b.dim(-k) : 1;
    sa[d] = da == 1 ? 0 : na;
    sb[d] = db == 1 ? 0 : nb;
    na *= da;
    nb *= db;
  }
  for (int d = 0; d < shape.rank(); ++d) p.walk.push(shape[d], sa[d], sb[d]);
  p.walk.coalesce();
  binary(context_of(a), p);
  return y;
}

/// The arithmetic of two operands of which one may be overwritten.
Tensor arithmetic(BinaryOp op, const Var& a, const Var& b) {
  const auto covers = [](const Var& x, const Var& other) { return x.rank() >= other.rank() && x.numel() >= other.numel() && may_overwrite(x); };
  const Var* over = covers(a, b) ? &a : covers(b, a) ? &b : nullptr;
  Tensor y = run(op, a.value(), b.value(), over ? over->value() : Tensor());
  y.bump_version();
  return y;
}

/// mask a + (1 - mask) b with the mask held under a Replay.
Var choose(const Tensor& mask, const Var& a, const Var& b) {
  const Var m = replayed(mask);
  return a * m + b * (1.0 - m);
}

Var extremum(BinaryOp op, const Var& a, const Var& b) {
  const Tensor y = run(op, a.value(), b.value());
  const bool larger = op == BinaryOp::maximum;
  const Tensor mask = run(BinaryOp::greater, larger ? a.value() : b.value(), larger ? b.value() : a.value());  // where a is taken
  if (replaying()) return choose(mask, a, b);
  return record(name(op), {a, b}, y, [mask, sa = a.shape(), sb = b.shape()](const Var& gy, const Wants& want) {
    const Var to_a = gy * Var(mask);
    return Vars{want[0] ? sum_to(to_a, sa) : Var(), want[1] ? sum_to(gy - to_a, sb) : Var()};
  });
}

}  // namespace

Var add(Var a, Var b) {
  const Tensor y = arithmetic(BinaryOp::add, a, b);
  return record("add", {a, b}, y, [sa = a.shape(), sb = b.shape()](const Var& gy, const Wants& want) {
    return Vars{want[0] ? sum_to(gy, sa) : Var(), want[1] ? sum_to(gy, sb) : Var()};
  });
}

Var sub(Var a, Var b) {
  const Tensor y = arithmetic(BinaryOp::sub, a, b);
  return record("sub", {a, b}, y, [sa = a.shape(), sb = b.shape()](const Var& gy, const Wants& want) {
    return Vars{want[0] ? sum_to(gy, sa) : Var(), want[1] ? neg(sum_to(gy, sb)) : Var()};
  });
}

// Products keep only what a wanted gradient reads: x * constant does not hold x in memory.
Var mul(Var a, Var b) {
  const Tensor y = arithmetic(BinaryOp::mul, a, b);
  return record("mul", {a, b}, y,
                [sa = a.shape(), sb = b.shape(), a_for_b = Saved("mul", b.needs_grad() ? a : Var()),
                 b_for_a = Saved("mul", a.needs_grad() ? b : Var())](const Var& gy, const Wants& want) {
                  return Vars{want[0] ? sum_to(gy * b_for_a.var(), sa) : Var(), want[1] ? sum_to(gy * a_for_b.var(), sb) : Var()};
                });
}

Var div(Var a, Var b) {
  const Tensor y = arithmetic(BinaryOp::div, a, b);
  return record("div", {a, b}, y,
                [sa = a.shape(), sb = b.shape(), a_for_b = Saved("div", b.needs_grad() ? a : Var()),
                 b = Saved("div", b)](const Var& gy, const Wants& want) {
                  const Var ga = gy / b.var();
                  return Vars{want[0] ? sum_to(ga, sa) : Var(), want[1] ? neg(sum_to(ga * (a_for_b.var() / b.var()), sb)) : Var()};
                });
}

Var maximum(const Var& a, const Var& b) { return extremum(BinaryOp::maximum, a, b); }
Var minimum(const Var& a, const Var& b) { return extremum(BinaryOp::minimum, a, b); }
Var greater(const Var& a, const Var& b) { return replayed(run(BinaryOp::greater, a.value(), b.value())); }

Var operator+(Var x, double c) { return affine(std::move(x), 1, c); }
Var operator+(double c, Var x) { return affine(std::move(x), 1, c); }
Var operator-(Var x, double c) { return affine(std::move(x), 1, -c); }
Var operator-(double c, Var x) { return affine(std::move(x), -1, c); }
Var operator*(Var x, double c) { return affine(std::move(x), c, 0); }
Var operator*(double c, Var x) { return affine(std::move(x), c, 0); }
Var operator/(Var x, double c) { return affine(std::move(x), 1 / c, 0); }
Var operator/(double c, Var x) { return affine(reciprocal(std::move(x)), c, 0); }
Var operator-(Var x) { return neg(std::move(x)); }

}  // namespace kintsugi
