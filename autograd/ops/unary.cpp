#include "autograd/ops/unary.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/replay.h"
#include "autograd/reuse.h"
#include "kernels/unary.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

void run_forward(UnaryOp op, UnaryParams params, int order, const Tensor& x, const Tensor& y) {
  unary_fwd(context_of(x), {op, params, order, x.dtype(), x.numel(), x.raw(), y.raw()});
}

Tensor run_forward(UnaryOp op, UnaryParams params, int order, const Tensor& x) {
  const OpName scope(name(op));
  Tensor y(x.shape(), x.dtype(), x.device());
  run_forward(op, params, order, x, y);
  return y;
}

/// The slope is a constant between kinks: nothing to differentiate in it.
bool piecewise_linear(UnaryOp op) {
  return op == UnaryOp::relu || op == UnaryOp::leaky_relu || op == UnaryOp::abs || op == UnaryOp::clamp;
}

Var unary(UnaryOp op, Var x, UnaryParams params = {}, int order = 0);

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

Var unary(UnaryOp op, Var x, UnaryParams params, int order) {
  const OpName scope(name(op));
  const Tensor y = result_like(x);
  run_forward(op, params, order, x.value(), y);
  return record(name(op), {x}, y,
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
Var with_kink(UnaryOp op, Var x, UnaryParams params = {}) {
  if (!replaying()) return unary(op, std::move(x), params);
  NoGrad constant;
  const Tensor slope = run_forward(op, params, 1, x.value());
  const Tensor offset = (unary(op, x.value(), params) - Var(slope) * x.value()).value();
  const Var held_slope = replayed(slope), held_offset = replayed(offset);
  GradMode on(true);
  return x * held_slope + held_offset;
}

}  // namespace

Var affine(Var x, double a, double b) { return unary(UnaryOp::affine, std::move(x), {a, b}); }
Var neg(Var x) { return affine(std::move(x), -1, 0); }
Var abs(Var x) { return with_kink(UnaryOp::abs, std::move(x)); }
Var square(Var x) { return unary(UnaryOp::square, std::move(x)); }
Var sqrt(Var x) { return unary(UnaryOp::sqrt, std::move(x)); }
Var rsqrt(Var x) { return unary(UnaryOp::rsqrt, std::move(x)); }
Var reciprocal(Var x) { return unary(UnaryOp::reciprocal, std::move(x)); }
Var exp(Var x) { return unary(UnaryOp::exp, std::move(x)); }
Var log(Var x) { return unary(UnaryOp::log, std::move(x)); }
Var xlogx(Var x) { return unary(UnaryOp::xlogx, std::move(x)); }
Var pow(Var x, double p) { return unary(UnaryOp::pow, std::move(x), {p, 0}); }
Var sin(Var x) { return unary(UnaryOp::sin, std::move(x)); }
Var cos(Var x) { return unary(UnaryOp::cos, std::move(x)); }
Var clamp(Var x, double lo, double hi) {
  KIN_CHECK(lo <= hi, "clamp: lo must not exceed hi, got ", lo, " and ", hi);
  return with_kink(UnaryOp::clamp, std::move(x), {lo, hi});
}

Var sigmoid(Var x) { return unary(UnaryOp::sigmoid, std::move(x)); }
Var tanh(Var x) { return unary(UnaryOp::tanh, std::move(x)); }
Var softplus(Var x) { return unary(UnaryOp::softplus, std::move(x)); }
Var relu(Var x) { return with_kink(UnaryOp::relu, std::move(x)); }
Var leaky_relu(Var x, double slope) { return with_kink(UnaryOp::leaky_relu, std::move(x), {slope, 0}); }
Var silu(Var x) { return unary(UnaryOp::silu, std::move(x)); }
Var gelu(Var x) { return unary(UnaryOp::gelu, std::move(x)); }
Var gelu_tanh(Var x) { return unary(UnaryOp::gelu_tanh, std::move(x)); }
Var hardswish(Var x) {
  return replaying() ? x * affine(clamp(x, -3, 3), 1.0 / 6, 0.5) : unary(UnaryOp::hardswish, x);
}

}  // namespace kintsugi
