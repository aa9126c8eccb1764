// The part of a training step that judges the image: pixels, a perceptual loss, and a discriminator whose pull is adapted. Shared
// by the stages.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops/losses.h"
#include "models/losses/adaptive_weight.h"
#include "models/losses/perceptual.h"
#include "models/vqgan/discriminator.h"

namespace kintsugi {

/// What a step did. The losses are named as in the published training logs: scalars that stay where they were computed until somebody asks, for
/// on a device that means to wait for the whole step.
struct StepReport {
  std::vector<std::pair<std::string, Tensor>> losses;  // f32 or f64
  Tensor output;     // the image, where the step made one
  Tensor codes;      // i64, the code of every token: the quantiser's or the predicted one
  bool gan = false;  // the adversarial term took part, so a discriminator step is due

  void add(std::string name, Tensor value) { losses.emplace_back(std::move(name), std::move(value)); }
  void add(std::string name, const Var& value) { add(std::move(name), value.value()); }
  /// Throws Error when there is no such loss.
  double loss(const std::string& name) const;
  bool has(const std::string& name) const;
};

struct ImageObjectiveOptions {
  double l1_weight = 1;
  ImageLoss perceptual = {};  // empty: none. Its own weight is inside
  GanKind gan_kind = GanKind::hinge;
  double gan_weight = 0.8;  // times the adaptive weight
  bool adapt = true;        // false: the adaptive weight is 1 and not measured
  AdaptiveWeightOptions adaptive = {};
  std::optional<AdaptiveWeight> weight = {};  // measured before, over all of a step's micro-batches; empty: measured on this one
};

/// A scalar whose gradient is that of
///   l1_weight |image - target|_1 + perceptual + d gan_weight gan,   d = adaptive_weight at last_layer (a constant), or 1,
/// with the last term only when there is a discriminator. Its value is not the loss: the losses are differentiated with respect
/// to the image here, once, and only that gradient is left to be carried on. Reports l_g_pix, l_g_percep and, with a
/// discriminator, g_gan_raw, l_g_gan, d_weight (= d gan_weight) and, where d is measured, d_weight_clamped (= d), d_weight_at_max (1 where d is at
/// its upper bound, else 0), recon_grad_norm, gan_grad_norm; sets output and gan. last_layer may be empty where d is not measured. The
/// discriminator's parameters get no gradient; its running statistics move when it is in train mode, as in the released code.
Var image_objective(const Var& image, const Tensor& target, const Discriminator* discriminator, const Var& last_layer,
                    const ImageObjectiveOptions& options, StepReport& report);

/// What the adaptive weight is made of for these images; nothing else is changed but the discriminator's running statistics.
AdaptiveGradients image_gradients(const Var& image, const Tensor& target, const Discriminator& discriminator, const Var& last_layer,
                                  const ImageObjectiveOptions& options);

/// Adds to the discriminator's gradients those of the real and then of the fake batch's loss: two passes and two backward calls,
/// so that BatchNorm sees each batch alone. `fake` is the image of the generator's step. Reports l_d_real, out_d_real, l_d_fake,
/// out_d_fake.
void discriminator_step(const Discriminator& discriminator, const Tensor& real, const Tensor& fake, GanKind kind,
                        StepReport& report);

}  // namespace kintsugi
