#include "autograd/ops/unary.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/replay.h"
#include "kernels/unary.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

Tensor run_forward(UnaryOp op, UnaryParams params, int order, const Tensor& x) {
  const OpName scope(name(op));
  Tensor y(x.shape(), x.dtype(), x.device());
  unary_fwd(context_of(x), {op, params, order, x.dtype(), x.numel(), x.raw(), y.raw()});
  return y;
}

/// The slope is a constant between kinks: nothing to differentiate in it.
bool piecewise_linear(UnaryOp op) {
  return op == UnaryOp::relu || op == UnaryOp::leaky_relu || op == UnaryOp::abs || op == UnaryOp::clamp;
}

Var unary(UnaryOp op, const Var& x, UnaryParams params = {}, int order = 0);

/// f^(order + 1)(x) as a Var, for a backward that will be differentiated again.
Var derivative(UnaryOp op, const Var& x, UnaryParams p, int order) {
  switch (op) {  // closed under differentiation
    case UnaryOp::square: return affine(x, 2, 0);
    case UnaryOp::exp: return exp(x);
    case UnaryOp::sin: return cos(x);
    case UnaryOp::cos: return neg(sin(x));
    default: break;
  }
  KIN_CHECK(order < 2, name(op), ": has no third derivative");
  if (piecewise_linear(op)) return run_forward(op, p, order + 1, x.value());
  return unary(op, x, p, order + 1);
}

Var unary(UnaryOp op, const Var& x, UnaryParams params, int order) {
  return record(name(op), {x}, run_forward(op, params, order, x.value()),
                [op, params, order, saved = Saved(name(op), x)](const Var& gy, const Wants&) -> Vars {
                  if (op == UnaryOp::affine) return {affine(gy, params.a, 0)};
                  if (grad_mode() || order > 1) return {gy * derivative(op, saved.var(), params, order)};
                  const Tensor& v = saved.value();
                  Tensor gx(v.shape(), v.dtype(), v.device());
                  unary_bwd(context_of(v), {op, params, order, v.dtype(), v.numel(), v.raw(), gy.value().raw(), gx.raw()});
                  return {gx};
                });
}

/// Under a Replay a piecewise linear function is the line it was on at the base point: slope x + offset, both recorded.
Var with_kink(UnaryOp op, const Var& x, UnaryParams params = {}) {
  if (!replaying()) return unary(op, x, params);
  NoGrad constant;
  const Tensor slope = run_forward(op, params, 1, x.value());
  const Tensor offset = (unary(op, x.value(), params) - Var(slope) * x.value()).value();
  const Var held_slope = replayed(slope), held_offset = replayed(offset);
  GradMode on(true);
  return x * held_slope + held_offset;
}

}  // namespace

Var affine(const Var& x, double a, double b) { return unary(UnaryOp::affine, x, {a, b}); }
Var neg(const Var& x) { return affine(x, -1, 0); }
Var abs(const Var& x) { return with_kink(UnaryOp::abs, x); }
Var square(const Var& x) { return unary(UnaryOp::square, x); }
Var sqrt(const Var& x) { return unary(UnaryOp::sqrt, x); }
Var rsqrt(const Var& x) { return unary(UnaryOp::rsqrt, x); }
Var reciprocal(const Var& x) { return unary(UnaryOp::reciprocal, x); }
Var exp(const Var& x) { return unary(UnaryOp::exp, x); }
Var log(const Var& x) { return unary(UnaryOp::log, x); }
Var xlogx(const Var& x) { return unary(UnaryOp::xlogx, x); }
Var pow(const Var& x, double p) { return unary(UnaryOp::pow, x, {p, 0}); }
Var sin(const Var& x) { return unary(UnaryOp::sin, x); }
Var cos(const Var& x) { return unary(UnaryOp::cos, x); }
Var clamp(const Var& x, double lo, double hi) {
  KIN_CHECK(lo <= hi, "clamp: lo must not exceed hi, got ", lo, " and ", hi);
  return with_kink(UnaryOp::clamp, x, {lo, hi});
}

Var sigmoid(const Var& x) { return unary(UnaryOp::sigmoid, x); }
Var tanh(const Var& x) { return unary(UnaryOp::tanh, x); }
Var softplus(const Var& x) { return unary(UnaryOp::softplus, x); }
Var relu(const Var& x) { return with_kink(UnaryOp::relu, x); }
Var leaky_relu(const Var& x, double slope) { return with_kink(UnaryOp::leaky_relu, x, {slope, 0}); }
Var silu(const Var& x) { return unary(UnaryOp::silu, x); }
Var gelu(const Var& x) { return unary(UnaryOp::gelu, x); }
Var gelu_tanh(const Var& x) { return unary(UnaryOp::gelu_tanh, x); }
Var hardswish(const Var& x) {
  return replaying() ? x * affine(clamp(x, -3, 3), 1.0 / 6, 0.5) : unary(UnaryOp::hardswish, x);
}

}  // namespace kintsugi
