#include "models/losses/perceptual.h"

#include "autograd/ops/binary.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"

namespace kintsugi {
namespace {

// The layer that lies deepest: suffixes like "3_4" compare in network order.
std::string deepest(const PerceptualArgs& args) {
  KIN_CHECK(!args.layer_weights.empty(), "perceptual_loss: layer_weights must name at least one layer");
  std::string last = args.layer_weights.front().first;
  for (const auto& [name, weight] : args.layer_weights)
    if (name.size() > 4 && name.substr(4) > last.substr(4)) last = name;
  return last;
}

Var distance(const Var& a, const Var& b, FeatureDistance kind) {
  switch (kind) {
    case FeatureDistance::l1:
      return mean(abs(a - b));
    case FeatureDistance::mse:
      return mean(square(a - b));
    case FeatureDistance::fro:
      break;
  }
  return sqrt(sum(square(a - b)));
}

Var plus(const Var& a, const Var& b) { return a ? a + b : b; }

}  // namespace

PerceptualLoss::PerceptualLoss(Scope s, const PerceptualArgs& a)
    : args(a),
      vgg_net(s / "vgg_net", VggDepth::vgg19, VggNames::layers, deepest(a)) {}

PerceptualResult PerceptualLoss::operator()(const Var& x, const Tensor& target) const {
  KIN_CHECK(x.shape() == target.shape(), "perceptual_loss: target must have the shape of x ", x.value(), ", got ", target);
  std::vector<std::string> wanted;
  for (const auto& [name, weight] : args.layer_weights) wanted.push_back(name);
  const auto features = [&](Var image) {
    if (args.range_norm) image = (image + 1.0) * 0.5;
    if (args.use_input_norm) image = imagenet_normalize(image);
    return vgg_net(image, wanted);
  };
  const auto fx = features(x), ft = features(target);
  PerceptualResult out;
  for (const auto& [name, weight] : args.layer_weights) {
    const Var &a = fx.at(name), &b = ft.at(name);
    if (args.perceptual_weight > 0)
      out.perceptual = plus(out.perceptual, distance(a, b, args.distance) * (weight * args.perceptual_weight));
    if (args.style_weight > 0)
      out.style = plus(out.style, distance(gram(a), gram(b), args.distance) * (weight * args.style_weight));
  }
  return out;
}

ImageLoss PerceptualLoss::as_image_loss() const {
  KIN_CHECK(args.perceptual_weight > 0 || args.style_weight > 0,
            "perceptual_loss: perceptual_weight and style_weight are both 0");
  return [loss = *this](const Var& output, const Tensor& target) {
    const PerceptualResult r = loss(output, target);
    return r.perceptual && r.style ? r.perceptual + r.style : r.perceptual ? r.perceptual : r.style;
  };
}

}  // namespace kintsugi
