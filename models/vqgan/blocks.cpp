#include "models/vqgan/blocks.h"

#include <cmath>

#include "autograd/finite_watch.h"
#include "autograd/ops/attention.h"
#include "autograd/ops/shape.h"
#include "nn/compute.h"

namespace kintsugi {

ResBlock::ResBlock(Scope s, int64_t in, int64_t out, int groups)
    : norm1(s / "norm1", in, Act::silu, groups),
      conv1(conv3x3(s / "conv1", in, out)),
      norm2(s / "norm2", out, Act::silu, groups),
      conv2(conv3x3(s / "conv2", out, out)),
      path(s.path()) {
  if (in != out) conv_out.emplace(conv1x1(s / "conv_out", in, out));
}

Var ResBlock::operator()(Var x) const {
  const LayerScope here(path);
  const Var skip = conv_out ? (*conv_out)(x) : x;  // first, so that x itself is free for norm1
  Var h = norm1(std::move(x));
  h = conv1(h);
  h = norm2(std::move(h));
  return conv2(h, skip);
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

Downsample::Downsample(Scope s, int64_t c) : conv(s / "conv", c, c, 3, {.stride = 2, .pad = {.bottom = 1, .right = 1}}) {}

Upsample::Upsample(Scope s, int64_t c) : conv(conv3x3(s / "conv", c, c)) {}
Var Upsample::operator()(Var x) const {
  const LayerScope here(conv.path);
  return conv2d_up2(x, beside(conv.weight, x), beside(conv.bias, x));
}

}  // namespace kintsugi
