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

AdaptiveWeight adaptive_weight(const Var& image, const Var& last_layer, const Var& recon_grad, const Var& gan_grad,
                               const AdaptiveWeightOptions& options) {
  KIN_CHECK(last_layer.needs_grad(), "adaptive_weight: last_layer is frozen, so no gradient can be measured there");
  const auto norm_at = [&](const Var& seed) {
    const Var g = grad(image, {last_layer}, seed, {.keep_graph = true})[0];
    KIN_CHECK(bool(g), "adaptive_weight: image does not depend on last_layer");
    return norm(g.value());
  };
  const double recon = norm_at(recon_grad), gan = norm_at(gan_grad);
  return {std::clamp(recon / (gan + options.eps), 0.0, options.max), recon, gan};
}

}  // namespace kintsugi
