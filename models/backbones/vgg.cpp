#include "models/backbones/vgg.h"

#include <algorithm>

#include "autograd/ops/binary.h"
#include "autograd/ops/pool.h"
#include "autograd/ops/unary.h"
#include "nn/compute.h"

namespace kintsugi {
namespace {

constexpr int kStages = 5;
constexpr int kConvs[2][kStages] = {{2, 2, 3, 3, 3}, {2, 2, 4, 4, 4}};
constexpr int64_t kWidths[kStages] = {64, 128, 256, 512, 512};

// "conv3_4" or "relu3_4" -> "3_4".
std::string suffix_of(const std::string& name) {
  KIN_CHECK(name.starts_with("conv") || name.starts_with("relu"),
            "vgg: a feature is called conv<stage>_<n> or relu<stage>_<n>, got '", name, "'");
  return name.substr(4);
}

}  // namespace

Vgg::Vgg(Scope s, VggDepth depth, VggNames names, const std::string& last) : mode_(s.mode()) {
  const std::string end = suffix_of(last);
  int64_t in = 3;
  int index = 0;  // in torchvision's Sequential of convolutions, ReLUs and pools
  for (int stage = 0; stage < kStages; ++stage, ++index) {
    for (int n = 0; n < kConvs[depth == VggDepth::vgg19][stage]; ++n, index += 2) {
      const std::string suffix = text(stage + 1, '_', n + 1);
      const Scope at = names == VggNames::layers     ? s / ("conv" + suffix)
                       : names == VggNames::features ? s / "features" / index
                                                     : s / text("slice", stage + 1) / index;
      layers_.push_back({suffix, stage > 0 && n == 0, Conv2d(at, in, kWidths[stage], 3, {.pad = pad_all(1)})});
      layers_.back().conv.weight.set_needs_grad(false);
      layers_.back().conv.bias.set_needs_grad(false);
      in = kWidths[stage];
      if (suffix == end) return;
    }
  }
  fail("vgg: there is no feature '", last, "'");
}

bool Vgg::has(const std::string& name) const {
  return (name.starts_with("conv") || name.starts_with("relu")) &&
         std::any_of(layers_.begin(), layers_.end(), [&](const Layer& l) { return l.suffix == name.substr(4); });
}

std::map<std::string, Var> Vgg::operator()(const Var& x, const std::vector<std::string>& wanted) const {
  size_t last = 0;
  for (const std::string& name : wanted) {
    KIN_CHECK(has(name), "vgg: there is no feature '", name, "'");
    for (size_t i = 0; i < layers_.size(); ++i)
      if (layers_[i].suffix == name.substr(4)) last = std::max(last, i);
  }
  const auto asked = [&](const std::string& name) { return std::find(wanted.begin(), wanted.end(), name) != wanted.end(); };
  std::map<std::string, Var> out;
  Var h = enter(*mode_, x);
  for (size_t i = 0; i <= last && !wanted.empty(); ++i) {
    const Layer& layer = layers_[i];
    if (layer.pool_before) h = max_pool(h, 2, 2);
    h = layer.conv(h);
    if (asked("conv" + layer.suffix)) out["conv" + layer.suffix] = leave(*mode_, h);
    if (i == last && !asked("relu" + layer.suffix)) break;
    h = relu(h);
    if (asked("relu" + layer.suffix)) out["relu" + layer.suffix] = leave(*mode_, h);
  }
  return out;
}

Var normalize_channels(const Var& x, const std::vector<double>& mean, const std::vector<double>& std) {
  const int64_t c = int64_t(mean.size());
  KIN_CHECK(x.rank() >= 1 && x.dim(-1) == c && std.size() == mean.size(), "normalize_channels: x must be [...,", c, "], got ",
            x.value());
  std::vector<double> scale;
  for (double s : std) scale.push_back(1 / s);
  const auto constant = [&](const std::vector<double>& v) { return Var(Tensor::of<double>({c}, v).to(x.dtype()).to(x.value().device())); };
  return (x - constant(mean)) * constant(scale);
}

Var imagenet_normalize(const Var& x) { return normalize_channels(x, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}); }

}  // namespace kintsugi
