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

namespace {

using StorePtr = std::shared_ptr<ParameterStore>;

// A loss with its weights from a file, and the store that they live in.
template <class Loss, class... Args>
std::pair<StorePtr, Loss> load(const std::string& weights, const char* kind, Device device, const Args&... args) {
  const KnownNet known = open_network(weights, kind);
  const auto store = std::make_shared<ParameterStore>(StoreOptions{.initialise = false, .device = device});
  Loss loss(store->root(), args...);
  load_parameters(known.tensors, *store);
  store->freeze("*");
  return {store, loss};
}

ImageLoss keeping(const StorePtr& store, const ImageLoss& loss) {
  return [store, loss](const Var& output, const Tensor& target) { return loss(output, target); };
}

ImageMetric metric_of(const StorePtr& store, const Lpips& lpips) {
  return [store, lpips](const Tensor& images, const Tensor& truth) {
    const NoGrad off;
    const Tensor distances = lpips(images.to(store->device()), truth.to(store->device())).distance.value().host();
    const auto d = distances.span<float>();
    return std::vector<double>(d.begin(), d.end());
  };
}

}  // namespace

ImageJudges image_judges(const Recipe& r, Device device) {
  ImageJudges judges;
  if (r.perceptual == "vgg19") {
    const FeatureDistance distance = r.perceptual_distance == "l1" ? FeatureDistance::l1
                                     : r.perceptual_distance == "mse" ? FeatureDistance::mse : FeatureDistance::fro;
    const PerceptualArgs args{.distance = distance, .range_norm = true, .use_input_norm = r.perceptual_input_norm};
    const auto [store, vgg] = load<PerceptualLoss>(r.perceptual_weights, kVgg19Kind, device, args);
    judges.perceptual = keeping(store, vgg.as_image_loss());
  }
  const std::string& own = r.watch.lpips_weights;
  if (r.perceptual == "lpips") {
    auto [store, lpips] = load<LpipsLoss>(r.perceptual_weights, kLpipsKind, device);
    lpips.use_input_norm = r.perceptual_input_norm;
    judges.perceptual = keeping(store, lpips.as_image_loss());
    if (own.empty() || own == r.perceptual_weights) judges.lpips = metric_of(store, lpips.lpips);
  }
  if (!judges.lpips && !own.empty()) {
    const auto [store, lpips] = load<LpipsLoss>(own, kLpipsKind, device);
    judges.lpips = metric_of(store, lpips.lpips);
  }
  return judges;
}

}  // namespace kintsugi
