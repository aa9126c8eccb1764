#include "nn/layers.h"

#include "autograd/finite_watch.h"
#include "autograd/ops/attention.h"
#include "autograd/ops/batch_norm.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/group_norm.h"
#include "autograd/ops/layer_norm.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "autograd/rehearsal.h"
#include "kernels/base/device_graph.h"
#include "nn/compute.h"

namespace kintsugi {

Conv2d::Conv2d(Scope s, int64_t in, int64_t out, int64_t kernel, Conv2dOptions o, bool with_bias) : options(o), path(s.path()) {
  KIN_CHECK(o.groups >= 1 && in % o.groups == 0, s.path(), ": groups must divide the ", in, " input channels, got ", o.groups);
  const Init init = Init::kaiming_uniform(in / o.groups * kernel * kernel);
  weight = s.param("weight", {out, kernel, kernel, in / o.groups}, init, Layout::conv);
  if (with_bias) bias = s.param("bias", {out}, init);
}
Var Conv2d::operator()(Var x, Var residual) const {
  const LayerScope here(path);
  const Var w = beside(weight, x), b = beside(bias, x);
  return conv2d(std::move(x), w, b, options, std::move(residual));
}

Linear::Linear(Scope s, int64_t in, int64_t out, bool with_bias) : path(s.path()) {
  const Init init = Init::kaiming_uniform(in);
  weight = s.param("weight", {out, in}, init);
  if (with_bias) bias = s.param("bias", {out}, init);
}
Linear::Linear(Scope s, int64_t in, int64_t out, Init bias_init)
    : weight(s.param("weight", {out, in}, Init::kaiming_uniform(in))),
      bias(s.param("bias", {out}, bias_init)),
      path(s.path()) {}
Var Linear::operator()(const Var& x) const {
  const LayerScope here(path);
  return linear(x, beside(weight, x), beside(bias, x));
}

GroupNorm::GroupNorm(Scope s, int64_t channels, Act a, int g, double e)
    : weight(s.param("weight", {channels}, Init::ones())),
      bias(s.param("bias", {channels}, Init::zeros())),
      groups(g),
      eps(e),
      act(a),
      path(s.path()) {
  KIN_CHECK(g >= 1 && channels % g == 0, s.path(), ": ", channels, " channels cannot be split into ", g, " groups");
}
Var GroupNorm::operator()(Var x) const {
  const LayerScope here(path);
  const Var gamma = beside(weight, x), beta = beside(bias, x);
  return group_norm(std::move(x), gamma, beta, groups, eps, act);
}

Var norm_conv(const GroupNorm& norm, const Conv2d& conv, Var x, Var residual) {
  if (grad_mode() || rehearsing()) {  // each under its own name
    Var h = norm(std::move(x));
    return conv(h, std::move(residual));
  }
  const LayerScope here(conv.path);
  const Var gamma = beside(norm.weight, x), beta = beside(norm.bias, x), w = beside(conv.weight, x), b = beside(conv.bias, x);
  return norm_conv2d(std::move(x), {gamma, beta, norm.groups, norm.eps, norm.act}, w, b, conv.options, std::move(residual));
}

LayerNorm::LayerNorm(Scope s, int64_t channels, double e)
    : weight(s.param("weight", {channels}, Init::ones())),
      bias(s.param("bias", {channels}, Init::zeros())),
      eps(e),
      path(s.path()) {}
Var LayerNorm::operator()(const Var& x) const {
  const LayerScope here(path);
  return layer_norm(x, beside(weight, x), beside(bias, x), eps);
}

BatchNorm2d::BatchNorm2d(Scope s, int64_t channels, double m, double e)
    : weight(s.param("weight", {channels}, Init::ones())),
      bias(s.param("bias", {channels}, Init::zeros())),
      running_mean(s.buffer("running_mean", {channels}, 0)),
      running_var(s.buffer("running_var", {channels}, 1)),
      num_batches_tracked(s.buffer("num_batches_tracked", {}, 0, DType::i64)),
      momentum(m),
      eps(e),
      mode(s.mode()),
      path(s.path()) {}
Var BatchNorm2d::operator()(const Var& x) const {
  const LayerScope here(path);
  if (mode->training) beside_device_work([count = num_batches_tracked]() mutable { count.fill_(count.item() + 1); });
  return batch_norm(x, beside(weight, x), beside(bias, x), running_mean, running_var, {mode->training, momentum, eps});
}

Embedding::Embedding(Scope s, int64_t count, int64_t width, Init init)
    : weight(s.param("weight", {count, width}, init)),
      path(s.path()) {}
Var Embedding::operator()(const Tensor& index) const {
  const LayerScope here(path);
  return embedding(weight, index);
}

MultiheadAttention::MultiheadAttention(Scope s, int64_t w, int h)
    : in_proj_weight(s.param("in_proj_weight", {3 * w, w}, Init::xavier_uniform(w, 3 * w))),
      in_proj_bias(s.param("in_proj_bias", {3 * w}, Init::zeros())),
      out_proj(s / "out_proj", w, w, Init::zeros()),
      width(w),
      heads(h),
      path(s.path()) {
  KIN_CHECK(h >= 1 && w % h == 0, s.path(), ": width ", w, " cannot be split into ", h, " heads");
}

Var MultiheadAttention::operator()(const Var& q, const Var& k, const Var& v) const {
  const LayerScope here(path);
  const auto project = [&](const Var& x, int64_t third) {
    return linear(x, narrow(beside(in_proj_weight, x), 0, third * width, width), narrow(beside(in_proj_bias, x), 0, third * width, width));
  };
  const double scale = 1 / std::sqrt(double(width / heads));
  return out_proj(attention(project(q, 0), project(k, 1), project(v, 2), heads, scale));
}

}  // namespace kintsugi
