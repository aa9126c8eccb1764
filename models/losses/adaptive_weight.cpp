#include "models/losses/adaptive_weight.h"

#include <algorithm>
#include <cmath>

#include "autograd/engine.h"

namespace kintsugi {
namespace {

double norm(const Tensor& t) {
  const Tensor here = t.host();
  double squares = 0;
  visit_float(t.dtype(), "adaptive_weight", [&]<class T>() {
    for (const T v : here.span<T>()) squares += double(v) * double(v);
  });
  return std::sqrt(squares);
}

}  // namespace

AdaptiveGradients adaptive_gradients(const Var& image, const Var& last_layer, const Var& recon_grad, const Var& gan_grad) {
  KIN_CHECK(last_layer.needs_grad(), "adaptive_weight: last_layer is frozen, so no gradient can be measured there");
  const auto carried = [&](const Var& seed) {
    const Var g = grad(image, {last_layer}, seed, {.keep_graph = true})[0];
    KIN_CHECK(bool(g), "adaptive_weight: image does not depend on last_layer");
    return g.value();
  };
  return {carried(recon_grad), carried(gan_grad)};
}

AdaptiveWeight adaptive_weight(AdaptiveGradients gradients, const AdaptiveWeightOptions& options) {
  if (options.mean) options.mean(gradients.recon), options.mean(gradients.gan);
  const double recon = norm(gradients.recon), gan = norm(gradients.gan);
  return {std::clamp(recon / (gan + options.eps), 0.0, options.max), recon, gan};
}

}  // namespace kintsugi
