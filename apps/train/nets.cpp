#include "apps/train/nets.h"

#include "models/known_nets.h"
#include "models/losses/lpips.h"
#include "nn/checkpoint.h"

namespace kintsugi {

VqganArgs vqgan_args(const Recipe& r) {
  const ModelRecipe& m = r.model;
  VqganArgs a;
  a.img_size = r.data.size;
  a.nf = m.nf;
  a.ch_mult.assign(m.ch_mult.begin(), m.ch_mult.end());
  a.res_blocks = m.res_blocks;
  a.attn_resolutions.assign(m.attn_resolutions.begin(), m.attn_resolutions.end());
  a.codebook_size = m.codebook_size;
  a.emb_dim = m.emb_dim;
  a.norm_groups = m.norm_groups;
  a.beta = m.beta;
  a.beta_on = m.beta_on == "codebook" ? BetaOn::codebook : BetaOn::commitment;
  return a;
}

CodeFormerArgs codeformer_args(const Recipe& r) {
  CodeFormerArgs a;
  a.backbone = vqgan_args(r);
  a.dim_embd = r.model.dim_embd;
  a.n_head = r.model.n_head;
  a.n_layers = r.model.n_layers;
  const int64_t side = r.data.size >> (a.backbone.levels() - 1);
  a.latent_size = side * side;
  a.connect_list.assign(r.model.connect.begin(), r.model.connect.end());
  return a;
}

DiscriminatorArgs discriminator_args(const Recipe& r) { return {.nc = 3, .ndf = r.model.ndf, .n_layers = r.model.d_layers}; }

ImageLoss perceptual_loss(const Recipe& r, Device device) {
  if (r.perceptual == "none") return {};
  const KnownNet known = open_network(r.perceptual_weights, r.perceptual == "lpips" ? kLpipsKind : kVgg19Kind);
  auto store = std::make_shared<ParameterStore>(StoreOptions{.initialise = false, .device = device});
  ImageLoss loss;
  if (r.perceptual == "lpips") {
    LpipsLoss lpips(store->root());
    lpips.use_input_norm = r.perceptual_input_norm;
    loss = lpips.as_image_loss();
  } else {
    const FeatureDistance distance = r.perceptual_distance == "l1" ? FeatureDistance::l1
                                     : r.perceptual_distance == "mse" ? FeatureDistance::mse : FeatureDistance::fro;
    loss = PerceptualLoss(store->root(), {.distance = distance, .range_norm = true, .use_input_norm = r.perceptual_input_norm}).as_image_loss();
  }
  load_parameters(known.tensors, *store);
  store->freeze("*");
  return [store, loss](const Var& output, const Tensor& target) { return loss(output, target); };
}

ImageMetric lpips_metric(const Recipe& r, Device device) {
  const std::string& weights = r.watch.lpips_weights.empty() && r.perceptual == "lpips" ? r.perceptual_weights : r.watch.lpips_weights;
  if (weights.empty()) return {};
  auto store = std::make_shared<ParameterStore>(StoreOptions{.initialise = false, .device = device});
  const Lpips lpips(store->root());
  load_parameters(open_network(weights, kLpipsKind).tensors, *store);
  return [store, lpips](const Tensor& images, const Tensor& truth) {
    const NoGrad off;
    const Tensor distances = lpips(images.to(store->device()), truth.to(store->device())).distance.value().host();
    const auto d = distances.span<float>();
    return std::vector<double>(d.begin(), d.end());
  };
}

}  // namespace kintsugi
