// How strongly the adversarial term may pull, after Esser et al., "Taming transformers for high-resolution image synthesis" (CVPR
// 2021), eq. 7.
#pragma once
#include <functional>

#include "autograd/var.h"

namespace kintsugi {

struct AdaptiveWeightOptions {
  double eps = 1e-4;  // on the denominator only
  double max = 1;     // the released CodeFormer; taming-transformers has 1e4
  /// Applied to both gradients before their norms are taken: where several processes share a batch, the mean over them. Empty: none.
  std::function<void(Tensor&)> mean = {};
};

/// Gradients of both losses at the last layer.
struct AdaptiveGradients {
  Tensor recon, gan;
};

/// Scalars on the device of the gradients, so that nobody waits for them.
struct AdaptiveWeight {
  Tensor value;                 // clamp(recon_norm / (gan_norm + eps), 0, max)
  Tensor at_max;                // 1 where value is max, else 0
  Tensor recon_norm, gan_norm;  // Frobenius norms of the two gradients at the last layer
  Tensor factor;                // value in the gradients' type; the others are f64
};

/// Takes the gradients of both losses with respect to the image and carries each on to `last_layer`, a leaf that image depends
/// on. So the losses' own graphs, discriminator and perceptual network, are walked once; the image's graph is kept.
AdaptiveGradients adaptive_gradients(const Var& image, const Var& last_layer, const Var& recon_grad, const Var& gan_grad);
AdaptiveWeight adaptive_weight(AdaptiveGradients gradients, const AdaptiveWeightOptions& options = {});

}  // namespace kintsugi
