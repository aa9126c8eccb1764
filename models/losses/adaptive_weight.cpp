#include "models/losses/adaptive_weight.h"

#include "autograd/engine.h"
#include "kernels/optimizer.h"
#include "tensor/context.h"

namespace kintsugi {
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
  const OpName op("adaptive_weight");
  if (options.mean) options.mean(gradients.recon), options.mean(gradients.gan);
  const Device device = gradients.recon.device();
  const DType dtype = gradients.recon.dtype();
  const Tensor squares({2}, DType::f64, device), numbers({4}, DType::f64, device), factor({}, dtype, device);
  for (int i = 0; i < 2; ++i) {
    const Tensor& g = i == 0 ? gradients.recon : gradients.gan;
    sum_squares(context_of(g), {g.raw(), squares.raw<double>() + i, g.numel(), g.dtype()});
  }
  adaptive_weight_of(context_of(squares), {squares.raw<double>(), options.eps, options.max, numbers.raw<double>(), factor.raw(), dtype});
  const auto number = [&](int i) { return numbers.rows(i, i + 1).reshape({}); };
  return {.value = number(0), .at_max = number(1), .recon_norm = number(2), .gan_norm = number(3), .factor = factor};
}

}  // namespace kintsugi
