#include "models/vqgan/blocks.h"

#include <cmath>

#include "autograd/finite_watch.h"
#include "autograd/ops/attention.h"
#include "autograd/ops/shape.h"
#include "nn/compute.h"

namespace kintsugi {

ResBlock::ResBlock(Scope s, int64_t in, int64_t out, int groups)
    : norm1(s / "norm1", in, Act::silu, groups),
      conv1(conv3x3(s / "conv1", in, out, groups)),
      norm2(s / "norm2", out, Act::silu, groups),
      conv2(conv3x3(s / "conv2", out, out, groups)),
      path(s.path()) {
  if (in != out) conv_out.emplace(conv1x1(s / "conv_out", in, out));
}

Var ResBlock::operator()(Var x) const {
  const LayerScope here(path);
  Var h = norm_conv(norm1, conv1, x);
  Var skip = conv_out ? (*conv_out)(std::move(x)) : std::move(x);  // last, so that it may be written over x
  return norm_conv(norm2, conv2, std::move(h), std::move(skip));
}

AttnBlock::AttnBlock(Scope s, int64_t c, int groups)
    : norm(s / "norm", c, Act::none, groups),
      q(conv1x1(s / "q", c, c)),
      k(conv1x1(s / "k", c, c)),
      v(conv1x1(s / "v", c, c)),
      proj_out(conv1x1(s / "proj_out", c, c)),
      path(s.path()) {}

Var AttnBlock::operator()(Var x) const {
  const LayerScope here(path);
  const int64_t c = x.dim(-1);
  const Shape tokens{x.dim(0), x.dim(1) * x.dim(2), c};
  const Var h = norm(x);
  const Var y = attention(reshape(q(h), tokens), reshape(k(h), tokens), reshape(v(h), tokens), 1, 1 / std::sqrt(double(c)));
  return proj_out(reshape(y, x.shape()), x);
}

Downsample::Downsample(Scope s, int64_t c, int norm_groups)
    : conv(s / "conv", c, c, 3, {.stride = 2, .pad = {.bottom = 1, .right = 1}, .norm_groups = norm_groups}) {}

Upsample::Upsample(Scope s, int64_t c, int norm_groups) : conv(conv3x3(s / "conv", c, c, norm_groups)) {}
Var Upsample::operator()(Var x) const {
  const LayerScope here(conv.path);
  const Var w = beside(conv.weight, x), bias = beside(conv.bias, x);
  return conv2d_up2(std::move(x), w, bias, conv.options.norm_groups);
}

}  // namespace kintsugi
