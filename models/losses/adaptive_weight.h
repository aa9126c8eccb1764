// How strongly the adversarial term may pull, after Esser et al., "Taming transformers for high-resolution image synthesis" (CVPR
// 2021), eq. 7.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

struct AdaptiveWeightOptions {
  double eps = 1e-4;  // on the denominator only
  double max = 1;     // the released CodeFormer; taming-transformers has 1e4
};

struct AdaptiveWeight {
  double value;                 // clamp(recon_norm / (gan_norm + eps), 0, max)
  double recon_norm, gan_norm;  // Frobenius norms of the two gradients at the last layer
};

/// Takes the gradients of both losses with respect to the image and carries each on to `last_layer`, a leaf that image depends
/// on. So the losses' own graphs, discriminator and perceptual network, are walked once; the image's graph is kept.
AdaptiveWeight adaptive_weight(const Var& image, const Var& last_layer, const Var& recon_grad, const Var& gan_grad,
                               const AdaptiveWeightOptions& options = {});

}  // namespace kintsugi
