// Stage I: the codebook and the generator are learnt by autoencoding clean faces.
#pragma once
#include "models/losses/image_objective.h"
#include "models/vqgan/vqgan.h"

namespace kintsugi {

struct Stage1Options {
  ImageObjectiveOptions image = {.gan_weight = 0.8};
  double codebook_weight = 1;
  int64_t net_d_start_iter = 30001;  // the discriminator takes part in iterations after this one
};

/// One generator pass over clean images [N,H,W,3]; adds the gradients of  L1 + perceptual + codebook loss [+ adaptive GAN]  to
/// the network's leaves. A null discriminator means none. Reports l_codebook and what image_objective reports. The caller zeroes
/// gradients, steps the optimiser and, where report.gan says so, then calls discriminator_step(d, gt, report.output, ...).
StepReport stage1_generator_step(const VQAutoEncoder& net, const Discriminator* discriminator, const Tensor& gt,
                                 int64_t iteration, const Stage1Options& options = {});

/// For steps of several micro-batches: what the adaptive weight is made of on one of them (ImageObjectiveOptions::weight).
AdaptiveGradients stage1_adaptive_gradients(const VQAutoEncoder& net, const Discriminator& discriminator, const Tensor& gt,
                                            const Stage1Options& options);

}  // namespace kintsugi
