#include "models/losses/lpips.h"

#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"

namespace kintsugi {
namespace {

const std::vector<std::string> kTaps = {"relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"};
constexpr int64_t kWidths[] = {64, 128, 256, 512, 512};

// The small term under the root makes no difference to a value, but a position where every channel is off then has a gradient of
// 0, not 0 times infinity.
Var unit_channels(const Var& f) { return f / (sqrt(sum(square(f), {-1}, true) + 1e-20) + 1e-10); }

}  // namespace

Lpips::Lpips(Scope trunk, VggNames names, Scope heads) : net(trunk, VggDepth::vgg16, names, kTaps.back()) {
  for (int k = 0; k < int(kTaps.size()); ++k) {
    lin.emplace_back(heads / text("lin", k) / "model" / 1, kWidths[k], 1, 1, Conv2dOptions{}, false);
    lin.back().weight.set_needs_grad(false);
  }
}

LpipsResult Lpips::operator()(const Var& x, const Var& y) const {
  KIN_CHECK(x.shape() == y.shape(), "lpips: y must have the shape of x ", x.value(), ", got ", y.value());
  const auto features = [&](const Var& image) {
    return net(normalize_channels(image, {-0.030, -0.088, -0.188}, {0.458, 0.448, 0.450}), kTaps);
  };
  const auto fx = features(x), fy = features(y);
  LpipsResult out;
  for (size_t k = 0; k < kTaps.size(); ++k) {
    const Var difference = square(unit_channels(fx.at(kTaps[k])) - unit_channels(fy.at(kTaps[k])));
    out.per_layer.push_back(mean(lin[k](difference), {1, 2, 3}));
    out.distance = k == 0 ? out.per_layer[k] : out.distance + out.per_layer[k];
  }
  return out;
}

Var LpipsLoss::operator()(const Var& output, const Tensor& target) const {
  const auto prepare = [&](Var image) {
    if (range_norm) image = (image + 1.0) * 0.5;
    return use_input_norm ? imagenet_normalize(image) : image;
  };
  return mean(lpips(prepare(output), prepare(target)).distance) * weight;
}

}  // namespace kintsugi
