// metrics/vgg19, metrics/lpips_vgg, codeformer_pp/vgg_triplet: VGG features with torchvision's names, and losses on them.
#include "apps/parity/formula.h"
#include "apps/parity/network.h"
#include "apps/parity/part_run.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cosine_triplet.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "models/losses/lpips.h"

namespace kintsugi::parity {
namespace {

/// sum over layers of mean(conv * w), w the formula tensors metrics/vgg19#w_<layer>.
void vgg19_features_case(PartRun& r) {
  const GoldenFile& golden = r.golden();
  ParameterStore store({.dtype = r.dtype(), .initialise = false, .device = run_device(r.dtype())});
  const Vgg vgg(store.root(), VggDepth::vgg19, VggNames::features, "relu5_4");
  fill_by_formula(store, golden.salt(), "vgg19/");
  const std::vector<std::string> in_loss{"conv1_2", "conv2_2", "conv3_4", "conv4_4", "conv5_4"};
  std::vector<std::string> wanted = in_loss;
  for (const char* relu : {"relu3_4", "relu4_4", "relu5_4"}) wanted.push_back(relu);

  const Var x = r.leaf("in.x", nchw);
  const auto features = vgg(imagenet_normalize(x), wanted);
  Var loss;
  for (const std::string& layer : in_loss) {
    const Var& f = features.at(layer);
    const Tensor w = formula(golden.salt(), "metrics/vgg19#w_" + layer, {f.dim(0), f.dim(3), f.dim(1), f.dim(2)});
    const Var term = mean(f * placed(from_stored(w, nchw), r.dtype()));
    loss = loss ? loss + term : term;
  }
  for (const auto& [name, f] : features) {
    const std::string tensor = "out." + name;
    if (golden.has(tensor)) r.values(tensor, f, nchw);
  }
  const Shape& window = golden.shape("out.conv1_2_crop8");  // starts at (8, 8)
  r.values("out.conv1_2_crop8", crop(features.at("conv1_2"), 8, 8, window[2], window[3]), nchw);
  r.gradients(loss, {{"grad.x", x, nchw}});
}

/// Published linear weights from a file beside this one, a trunk of formula tensors under torchvision's names.
void lpips_vgg_case(PartRun& r) {
  ParameterStore store({.dtype = r.dtype(), .initialise = false, .device = run_device(r.dtype())});
  const Lpips lpips(store.root());
  const SafetensorsFile heads = r.golden().neighbour("lpips_lin_vgg.safetensors");
  for (const ParameterStore::Entry& e : store.entries()) {
    Tensor value = e.value();
    const Order& order = order_of(e.layout);
    if (heads.has(e.name)) {
      value.copy_(from_stored(heads.read(e.name), order));
      continue;
    }
    const size_t number = e.name.find('.', e.name.find("slice"));  // net.slice2.5.weight is features.5.weight
    const Shape stored = to_stored(value, order).shape();
    value.copy_(from_stored(formula_parameter(r.golden().salt(), "vgg16/features" + e.name.substr(number), stored), order));
  }
  const Var a = r.leaf("in.a", nchw);
  const LpipsResult result = lpips(a, r.constant("in.b", nchw));
  r.values("out.distance", reshape(result.distance, {result.distance.numel(), 1, 1, 1}));
  r.values("out.per_layer", stack(result.per_layer, 1));
  r.gradients(sum(result.distance), {{"grad.a_of_sum", a, nchw}});
}

void vgg_triplet_case(PartRun& r) {
  ParameterStore store({.dtype = r.dtype(), .initialise = false, .device = run_device(r.dtype())});
  const Vgg vgg(store.root(), VggDepth::vgg19, VggNames::features, "relu4_4");
  fill_by_formula(store, r.golden().salt(), "vgg19/");
  const auto features = [&](const Var& image) {
    const Var f = vgg(imagenet_normalize(image), {"relu4_4"}).at("relu4_4");
    return reshape(f, {f.dim(0), f.numel() / f.dim(0)});
  };
  const Var restored = r.constant("in.I_F", nchw), warped = r.constant("in.I_warp", nchw), mask = r.constant("in.mask", nchw);
  const Var positive = restored * mask + warped * (1.0 - mask), out = r.leaf("in.I_out", nchw);
  const Var fp = features(positive), fa = features(out), fn = features(restored);
  r.values("out.I_AP", positive, nchw);
  r.values("out.cos_pos", cosine_similarity(fp, fa, -1, 1e-12));
  r.values("out.cos_neg", cosine_similarity(fn, fa, -1, 1e-12));
  const Var loss = cosine_triplet(fp, fa, fn);
  r.scalar("loss", loss);
  r.gradients(loss, {{"grad.I_out", out, nchw}});
}

const ParityRegistration registrations[] = {
    ParityRegistration(network_part_kind("metrics/vgg19", 7e-7, vgg19_features_case)),
    ParityRegistration(network_part_kind("metrics/lpips_vgg", 2.1e-6, lpips_vgg_case)),
    ParityRegistration(network_part_kind("codeformer_pp/vgg_triplet", 2.9e-6, vgg_triplet_case)),
};

}  // namespace
}  // namespace kintsugi::parity
