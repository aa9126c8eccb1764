#include "autograd/ops/conv2d.h"

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/conv2d_shape.h"
#include "autograd/ops/group_moments.h"
#include "autograd/ops/group_norm.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/resize.h"
#include "autograd/precision.h"
#include "autograd/rehearsal.h"
#include "autograd/reuse.h"
#include "kernels/conv2d.h"
#include "kernels/conv2d_up2.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

const void* raw_or_null(const Var& v) { return v ? v.value().raw() : nullptr; }

Var dgrad(const char* op, const Var& gy, const Var& w, const Var& bias, const ConvShape& s);
Var wgrad(const Var& x, const Var& gy, const ConvShape& s);

// The gradients of weight and bias, in one pass over the pixels where nobody asks for a second derivative.
void weight_gradients(const Var& x, const Var& gy, const ConvShape& s, bool want_w, bool want_bias, Var& gw, Var& gbias) {
  if (grad_mode()) {
    if (want_w) gw = wgrad(x, gy, s);
    if (want_bias) gbias = sum(gy, {0, 1, 2});
    return;
  }
  const Tensor& v = x.value();
  Tensor w, b;
  if (want_w) w = Tensor({s.o, s.kh, s.kw, s.c / s.groups}, v.dtype(), v.device());
  if (want_bias) b = Tensor({s.o}, v.dtype(), v.device());
  if (want_w || want_bias) conv2d_wgrad(context_of(v), {s, v.raw(), gy.value().raw(), w.raw(), b.raw(), v.dtype()});
  if (want_w) gw = w;
  if (want_bias) gbias = b;
}

bool infers() { return !grad_mode() && !rehearsing(); }
// There convolutions take x normalised on the way in; elsewhere group_norm writes it.
bool norms_on_entry(const Var& x) { return infers() && x.value().device() == Device{}; }

// What inference asks of a convolution besides.
struct Extras {
  InputNorm norm = {};
  int norm_groups = 0;  // 0: no moments of the result
};
// Asks for the moments of the result in `groups` groups, where the row that runs anyway leaves them: returns where they will be, or nothing.
template <class Args>
Tensor ask_for_moments(const Family<Args>& family, Args& args, const Var& x, int64_t channels, int groups) {
  if (!infers() || groups <= 0 || channels % groups != 0) return {};
  const Device device = x.value().device();
  const Row<Args>& row = family.pick(device.kind, args);
  const Tensor moments({x.dim(0), groups, 2}, DType::f64, device);
  Args asking = args;
  asking.moments = {moments.raw<double>(), groups};
  if (row.refuses(asking)) return {};
  args = asking;
  return moments;
}
Var with_moments(Var y, const Tensor& moments) {
  if (moments) leave_moments(y, moments);
  return y;
}

bool is_pointwise(const ConvShape& s) {
  return s.kh == 1 && s.kw == 1 && s.groups == 1 && s.out_h == s.h && s.out_w == s.w && s.top == 0 && s.left == 0;
}

// A 1x1 convolution to no more channels than x has, written over x: part by part, so that what a part overwrites has been read.
Tensor pointwise_over(const Var& x, const Var& w, const Var& bias, const ConvShape& s) {
  constexpr int64_t kPart = 1 << 18;  // elements
  const Tensor& v = x.value();
  const int64_t pixels = s.n * s.h * s.w;
  const Tensor from = v.reshape({pixels, s.c}), to = v.reshape({pixels * s.c}).rows(0, pixels * s.o).reshape({pixels, s.o});
  Tensor part({std::min(pixels, std::max<int64_t>(1, kPart / s.o)), s.o}, v.dtype());
  for (int64_t i = 0; i < pixels; i += part.dim(0)) {
    const int64_t end = std::min(pixels, i + part.dim(0));
    ConvShape strip = s;
    strip.n = strip.h = strip.out_h = strip.stride_h = strip.stride_w = 1;
    strip.w = strip.out_w = end - i;
    conv2d_fwd(context_of(v), {strip, from.rows(i, end).raw(), w.value().raw(), raw_or_null(bias), part.raw(), v.dtype()});
    to.rows(i, end).copy_(part.rows(0, end - i));
  }
  return to.reshape({s.n, s.out_h, s.out_w, s.o});
}

Var fwd(const Var& x, const Var& w, const Var& bias, const ConvShape& s, Var residual = {}, const Extras& extras = {}) {
  const Tensor& v = x.value();
  const Tensor y = residual && s.groups == 1 ? result_like(residual) : Tensor({s.n, s.out_h, s.out_w, s.o}, v.dtype(), v.device());
  Conv2dFwd args{s, v.raw(), w.value().raw(), raw_or_null(bias), y.raw(), v.dtype(), raw_or_null(residual), precision(), extras.norm};
  const Tensor moments = ask_for_moments(conv2d_fwd, args, x, s.o, extras.norm_groups);
  conv2d_fwd(context_of(v), args);
  Var result = record("conv2d", {x, w, bias, residual}, y, [sx = Saved("conv2d", x), sw = Saved("conv2d", w), s](const Var& gy, const Wants& want) {
    Vars g(4);
    if (want[3]) g[3] = gy;
    if (want[0]) g[0] = dgrad("conv2d", gy, sw.var(), {}, s);
    weight_gradients(sx.var(), gy, s, want[1], want[2], g[1], g[2]);
    return g;
  });
  return with_moments(std::move(result), moments);
}

Var dgrad(const char* op, const Var& gy, const Var& w, const Var& bias, const ConvShape& s) {
  const Tensor& v = gy.value();
  Tensor gx({s.n, s.h, s.w, s.c}, v.dtype(), v.device());
  conv2d_dgrad(context_of(v), {s, v.raw(), w.value().raw(), raw_or_null(bias), gx.raw(), v.dtype()});
  return record(op, {gy, w, bias}, gx, [sg = Saved(op, gy), sw = Saved(op, w), s](const Var& g, const Wants& want) {
    Vars r(3);
    if (want[0]) r[0] = fwd(g, sw.var(), {}, s);
    if (want[1]) r[1] = wgrad(g, sg.var(), s);
    if (want[2]) r[2] = sum(g, {0, 1, 2});
    return r;
  });
}

Var wgrad(const Var& x, const Var& gy, const ConvShape& s) {
  const Tensor& v = x.value();
  Tensor gw({s.o, s.kh, s.kw, s.c / s.groups}, v.dtype(), v.device());
  conv2d_wgrad(context_of(v), {s, v.raw(), gy.value().raw(), gw.raw(), nullptr, v.dtype()});
  return record("conv2d", {x, gy}, gw, [sx = Saved("conv2d", x), sg = Saved("conv2d", gy), s](const Var& g, const Wants& want) {
    Vars r(2);
    if (want[0]) r[0] = dgrad("conv2d", sg.var(), g, {}, s);
    if (want[1]) r[1] = fwd(sx.var(), g, {}, s);
    return r;
  });
}

void check_operands(const char* op, const Var& x, const Var& w, const Var& bias, int64_t outputs) {
  KIN_CHECK(x.rank() == 4, op, ": x must be [N,H,W,C], got ", x.value());
  KIN_CHECK(w.rank() == 4 && w.dim(1) > 0 && w.dim(2) > 0, op, ": w must have rank 4 and a kernel of at least 1x1, got ", w.value());
  KIN_CHECK(w.dtype() == x.dtype(), op, ": w must be ", x.dtype(), " as x is, got ", w.dtype());
  KIN_CHECK(!bias || bias.shape() == Shape{outputs}, op, ": bias must be [", outputs, "], got ", bias.shape(), " (w: ", w.shape(), ")");
  KIN_CHECK(!bias || bias.dtype() == x.dtype(), op, ": bias must be ", x.dtype(), " as x is, got ", bias.dtype());
}

ConvShape check_options(const char* op, int stride, const Padding& p, int dilation, int groups) {
  KIN_CHECK(stride >= 1, op, ": stride must be at least 1, got ", stride);
  KIN_CHECK(dilation >= 1, op, ": dilation must be at least 1, got ", dilation);
  KIN_CHECK(groups >= 1, op, ": groups must be at least 1, got ", groups);
  KIN_CHECK(p.top >= 0 && p.bottom >= 0 && p.left >= 0 && p.right >= 0, op, ": pad must not be negative, got ", p.top, ",", p.bottom, ",",
            p.left, ",", p.right);
  ConvShape s;
  s.stride_h = s.stride_w = stride;
  s.dilation_h = s.dilation_w = dilation;
  s.top = p.top;
  s.left = p.left;
  s.groups = groups;
  return s;
}

}  // namespace

ConvShape conv2d_shape(const char* op, const Var& x, const Var& w, const Var& bias, const Conv2dOptions& o) {
  check_operands(op, x, w, bias, w.rank() > 0 ? w.dim(0) : 0);
  ConvShape s = check_options(op, o.stride, o.pad, o.dilation, o.groups);
  KIN_CHECK(x.dim(3) == w.dim(3) * o.groups, op, ": x must have ", w.dim(3) * o.groups, " channels, got ", x.dim(3), " (x: ", x.shape(),
            ", w: ", w.shape(), ", groups: ", o.groups, ")");
  KIN_CHECK(w.dim(0) % o.groups == 0, op, ": groups must divide the ", w.dim(0), " output channels, got ", o.groups);
  s.n = x.dim(0), s.h = x.dim(1), s.w = x.dim(2), s.c = x.dim(3);
  s.o = w.dim(0), s.kh = w.dim(1), s.kw = w.dim(2);
  const int64_t spare_h = s.h + o.pad.top + o.pad.bottom - o.dilation * (s.kh - 1) - 1;
  const int64_t spare_w = s.w + o.pad.left + o.pad.right - o.dilation * (s.kw - 1) - 1;
  KIN_CHECK(spare_h >= 0 && spare_w >= 0, op, ": w must fit into the padded image, got ", w.shape(), " for ", x.shape());
  s.out_h = spare_h / o.stride + 1;
  s.out_w = spare_w / o.stride + 1;
  return s;
}

namespace {

ConvShape checked_shape(const Var& x, const Var& w, const Var& bias, const Conv2dOptions& o, const Var& residual) {
  const ConvShape s = conv2d_shape("conv2d", x, w, bias, o);
  const Shape result{s.n, s.out_h, s.out_w, s.o};
  KIN_CHECK(!residual || residual.shape() == result, "conv2d: residual must be ", result, ", got ", residual.shape());
  KIN_CHECK(!residual || residual.dtype() == x.dtype(), "conv2d: residual must be ", x.dtype(), " as x, got ", residual.dtype());
  return s;
}

}  // namespace

Var conv2d(Var x, const Var& w, const Var& bias, const Conv2dOptions& o, Var residual) {
  const OpScope scope("conv2d", {{"x", x}, {"w", w}, {"bias", bias}, {"residual", residual}});
  const ConvShape s = checked_shape(x, w, bias, o, residual);
  if (is_pointwise(s) && s.o <= s.c && !residual && may_overwrite(x) && o.norm_groups == 0)
    return record("conv2d", {x, w, bias}, pointwise_over(x, w, bias, s), {});
  return fwd(x, w, bias, s, std::move(residual), {{}, o.norm_groups});
}

Var norm_conv2d(Var x, const NormBefore& norm, const Var& w, const Var& bias, const Conv2dOptions& o, Var residual) {
  if (!norms_on_entry(x)) {
    const Var h = group_norm(std::move(x), norm.gamma, norm.beta, norm.groups, norm.eps, norm.act);
    return conv2d(h, w, bias, o, std::move(residual));
  }
  const OpScope scope("norm_conv2d", {{"x", x}, {"gamma", norm.gamma}, {"beta", norm.beta}, {"w", w}, {"bias", bias}, {"residual", residual}});
  const ConvShape s = checked_shape(x, w, bias, o, residual);
  check_channel_vector("norm_conv2d", "gamma", norm.gamma, s.c, x);
  check_channel_vector("norm_conv2d", "beta", norm.beta, s.c, x);
  const Tensor moments = moments_of(x, norm.groups);
  const InputNorm on_entry{moments.data<double>(), norm.gamma.value().raw(), norm.beta.value().raw(), norm.groups, norm.eps, norm.act};
  return fwd(x, w, bias, s, std::move(residual), {on_entry, o.norm_groups});
}

Var conv2d_up2(const Var& x, const Var& w, const Var& bias, int norm_groups) {
  const char* op = "conv2d_up2";
  const OpScope scope(op, {{"x", x}, {"w", w}, {"bias", bias}});
  check_operands(op, x, w, bias, w.rank() > 0 ? w.dim(0) : 0);
  KIN_CHECK(w.dim(1) == 3 && w.dim(2) == 3, op, ": w must be [O,3,3,C], got ", w.shape());
  KIN_CHECK(x.dim(3) == w.dim(3), op, ": x must have ", w.dim(3), " channels, got ", x.dim(3), " (x: ", x.shape(), ", w: ", w.shape(), ")");
  const Tensor& v = x.value();
  const int64_t n = x.dim(0), rows = 2 * x.dim(1), columns = 2 * x.dim(2), c = x.dim(3), o = w.dim(0);
  Tensor y({n, rows, columns, o}, v.dtype(), v.device());
  Conv2dUp2Fwd args{n, x.dim(1), x.dim(2), c, o, v.raw(), w.value().raw(), raw_or_null(bias), y.raw(), v.dtype()};
  const Tensor moments = ask_for_moments(conv2d_up2_fwd, args, x, o, norm_groups);
  conv2d_up2_fwd(context_of(v), args);
  ConvShape s{n, rows, columns, c, rows, columns, o, 3, 3};
  s.top = s.left = 1;
  Var result = record(op, {x, w, bias}, y, [op, sx = Saved(op, x), sw = Saved(op, w), s](const Var& gy, const Wants& want) {
    const auto up = [](const Vars& v) { return upsample_nearest2x(v[0]); };
    Vars g(3);
    if (want[0]) g[0] = regrad(up, {sx.var()}, dgrad(op, gy, sw.var(), {}, s))[0];
    if (want[1] || want[2]) weight_gradients(up({sx.var()}), gy, s, want[1], want[2], g[1], g[2]);
    return g;
  });
  return with_moments(std::move(result), moments);
}

Var conv2d_transpose(const Var& x, const Var& w, const Var& bias, const Conv2dTransposeOptions& o) {
  const char* op = "conv2d_transpose";
  const OpScope scope(op, {{"x", x}, {"w", w}, {"bias", bias}});
  check_operands(op, x, w, bias, w.rank() == 4 ? w.dim(3) * o.groups : 0);
  ConvShape s = check_options(op, o.stride, o.pad, o.dilation, o.groups);
  KIN_CHECK(x.dim(3) == w.dim(0), op, ": x must have ", w.dim(0), " channels, got ", x.dim(3), " (x: ", x.shape(), ", w: ", w.shape(), ")");
  KIN_CHECK(w.dim(0) % o.groups == 0, op, ": groups must divide the ", w.dim(0), " input channels, got ", o.groups);
  KIN_CHECK(o.output_padding >= 0 && o.output_padding < o.stride, op, ": output_padding must be within 0 and stride - 1 = ", o.stride - 1,
            ", got ", o.output_padding);
  s.n = x.dim(0), s.out_h = x.dim(1), s.out_w = x.dim(2), s.o = x.dim(3);
  s.c = w.dim(3) * o.groups, s.kh = w.dim(1), s.kw = w.dim(2);
  s.h = (s.out_h - 1) * o.stride - o.pad.top - o.pad.bottom + o.dilation * (s.kh - 1) + o.output_padding + 1;
  s.w = (s.out_w - 1) * o.stride - o.pad.left - o.pad.right + o.dilation * (s.kw - 1) + o.output_padding + 1;
  KIN_CHECK(s.h > 0 && s.w > 0, op, ": pad must leave some of the result, got ", s.h, " x ", s.w, " pixels (x: ", x.shape(), ", w: ",
            w.shape(), ")");
  return dgrad(op, x, w, bias, s);
}

}  // namespace kintsugi
