#include "autograd/ops/conv2d_epilogue.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/conv2d_shape.h"
#include "autograd/ops/unary.h"
#include "autograd/precision.h"
#include "autograd/rehearsal.h"
#include "autograd/replay.h"
#include "kernels/conv2d_epilogue.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

// The parts, one after the other: for a gradient, for a run that must find the bits of one with a graph, and for a replay, which must meet the ops
// whose decisions it recorded.
bool in_parts(std::initializer_list<Var> inputs) {
  if (replaying() || rehearsing()) return true;
  if (!grad_mode()) return false;
  for (const Var& v : inputs)
    if (v && v.needs_grad()) return true;
  return false;
}

Var fused(const char* op, const Vars& inputs, const ConvShape& s, Conv2dEpilogueFwd p) {
  const Var &x = inputs[0], &w = inputs[1], &bias = inputs[2];
  const Tensor& v = x.value();
  const Tensor y({s.n, s.out_h, s.out_w, s.o}, v.dtype(), v.device());
  p.conv.shape = s;
  p.conv.x = v.raw();
  p.conv.w = w.value().raw();
  p.conv.bias = bias ? bias.value().raw() : nullptr;
  p.conv.y = y.raw();
  p.conv.dtype = v.dtype();
  p.conv.precision = precision();
  conv2d_epilogue_fwd(context_of(v), p);
  return record(op, inputs, y, {});  // nobody will ask it for a gradient
}

}  // namespace

Var conv2d_leaky_relu(const Var& x, const Var& w, const Var& bias, const Conv2dOptions& options, double slope) {
  if (in_parts({x, w, bias})) return leaky_relu(conv2d(x, w, bias, options), slope);
  const char* op = "conv2d_leaky_relu";
  const OpScope scope(op, {{"x", x}, {"w", w}, {"bias", bias}});
  return fused(op, {x, w, bias}, conv2d_shape(op, x, w, bias, options), {.kind = ConvEpilogue::leaky_relu, .slope = slope});
}

Var conv2d_sft(const Var& x, const Var& w, const Var& bias, const Conv2dOptions& options, const Var& base, const Var& scale, double strength) {
  const char* op = "conv2d_sft";
  const OpScope scope(op, {{"x", x}, {"w", w}, {"bias", bias}, {"base", base}, {"scale", scale}});
  const ConvShape s = conv2d_shape(op, x, w, bias, options);
  const Shape result{s.n, s.out_h, s.out_w, s.o};
  KIN_CHECK(base && base.shape() == result && base.dtype() == x.dtype(), op, ": base must be ", result, " ", x.dtype(), ", got ",
            base ? text(base.value()) : "nothing");
  KIN_CHECK(scale && scale.shape() == result && scale.dtype() == x.dtype(), op, ": scale must be ", result, " ", x.dtype(), ", got ",
            scale ? text(scale.value()) : "nothing");
  if (in_parts({x, w, bias, base, scale})) return (scale * base + conv2d(x, w, bias, options)) * strength + base;
  return fused(op, {x, w, bias, base, scale}, s, {.kind = ConvEpilogue::sft, .base = base.value().raw(), .scale = scale.value().raw(), .strength = strength});
}

}  // namespace kintsugi
