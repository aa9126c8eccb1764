#include "models/losses/image_objective.h"

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"

namespace kintsugi {

double StepReport::loss(const std::string& name) const {
  for (const auto& [n, value] : losses)
    if (n == name) return value.item();
  fail("step_report: there is no loss ", name);
}

bool StepReport::has(const std::string& name) const {
  return std::any_of(losses.begin(), losses.end(), [&](const auto& l) { return l.first == name; });
}

namespace {

// Gradients of the losses with respect to the image y, a leaf of its own.
Var recon_gradient(const Var& y, const Tensor& target, const ImageObjectiveOptions& options, StepReport& report) {
  Var recon = l1_loss(y, target) * options.l1_weight;
  report.add("l_g_pix", recon);
  if (options.perceptual) {
    const Var perceptual = options.perceptual(y, target);
    report.add("l_g_percep", perceptual);
    recon = recon + perceptual;
  }
  return grad(recon, {y})[0];
}

struct GanGradient {
  Var loss, gradient;
};
GanGradient gan_gradient(const Var& y, const Discriminator& discriminator, const ImageObjectiveOptions& options) {
  const Var gan = gan_loss(options.gan_kind, discriminator(y), true, false);
  return {Var(gan.value()), grad(gan, {y})[0]};
}

}  // namespace

AdaptiveGradients image_gradients(const Var& image, const Tensor& target, const Discriminator& discriminator, const Var& last_layer,
                                  const ImageObjectiveOptions& options) {
  StepReport unused;
  const Var y(image.value(), true);
  const Var recon = recon_gradient(y, target, options, unused);
  return adaptive_gradients(image, last_layer, recon, gan_gradient(y, discriminator, options).gradient);
}

Var image_objective(const Var& image, const Tensor& target, const Discriminator* discriminator, const Var& last_layer,
                    const ImageObjectiveOptions& options, StepReport& report) {
  report.output = image.value();
  report.gan = discriminator != nullptr;
  const Var y(image.value(), true);
  Var seed = recon_gradient(y, target, options, report);

  if (discriminator) {
    const GanGradient gan = gan_gradient(y, *discriminator, options);
    std::optional<AdaptiveWeight> d = options.weight;
    if (!d && options.adapt) d = adaptive_weight(adaptive_gradients(image, last_layer, seed, gan.gradient), options.adaptive);
    const NoGrad no_grad;
    report.add("g_gan_raw", gan.loss);
    if (d) {
      const Var weight = Var(d->factor) * options.gan_weight;
      report.add("l_g_gan", gan.loss * weight);
      report.add("d_weight", weight);
      report.add("d_weight_clamped", d->value);
      report.add("d_weight_at_max", d->at_max);
      report.add("recon_grad_norm", d->recon_norm);
      report.add("gan_grad_norm", d->gan_norm);
      seed = seed + gan.gradient * weight;
    } else {
      report.add("l_g_gan", gan.loss * options.gan_weight);
      report.add("d_weight", Tensor::scalar(options.gan_weight, DType::f64));
      seed = seed + gan.gradient * options.gan_weight;
    }
  }
  return sum(image * seed);
}

void discriminator_step(const Discriminator& discriminator, const Tensor& real, const Tensor& fake, GanKind kind,
                        StepReport& report) {
  const auto pass = [&](const Tensor& image, bool is_real, const std::string& name) {
    const Var scores = discriminator(image);
    const Var loss = gan_loss(kind, scores, is_real, true);
    report.add("l_d_" + name, loss);
    report.add("out_d_" + name, mean(scores.value()));
    backward(loss);
  };
  pass(real, true, "real");
  pass(fake, false, "fake");
}

}  // namespace kintsugi
