#include "apps/parity/codeformer_walk.h"

#include "autograd/ops/ada_in.h"
#include "autograd/ops/shape.h"

namespace kintsugi::parity {

Tensor walk_codeformer(const CodeFormer& net, const Tensor& x, const CodeFormerCall& call, const Tensor& indices, const SeeFeature& see) {
  const NoGrad no_grad;
  std::map<int64_t, Var> tapped;
  const Var lq = net.backbone.encoder.walk(x, [&](int i, Var h) {
    see(text("encoder.blocks.", i), h.value(), nchw);
    for (const auto& [resolution, block] : net.args.taps)
      if (block == i) tapped[resolution] = h;
    return h;
  });
  Var t = net.feat_emb(reshape(lq, {lq.dim(0), net.args.latent_size, lq.dim(3)}));
  for (size_t i = 0; i < net.ft_layers.size(); ++i) {
    t = net.ft_layers[i](t, net.position_emb);
    see(text("ft_layers.", i), t.value(), tnc);
  }
  Var codes = reshape(net.backbone.quantize.codes(indices), lq.shape());
  see("quant_feat", codes.value(), nchw);
  if (call.adain) {
    codes = ada_in(codes, lq);
    see("quant_feat_adain", codes.value(), nchw);
  }
  return net.backbone.generator.walk(codes, [&](int i, Var h) {
    see(text("generator.blocks.", i), h.value(), nchw);
    for (const auto& [resolution, block] : net.fuse_convs_dict) {
      if (call.w <= 0 || net.args.sites.at(resolution) != i) continue;
      h = block(tapped.at(resolution), h, call.w);
      see(text("fuse_convs_dict.", resolution), h.value(), nchw);
    }
    return h;
  }).value();
}

}  // namespace kintsugi::parity
