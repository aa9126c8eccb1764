// Stages II and III: the transformer learns to predict the clean face's codes; then fusion and encoder learn to paint.
// Colourisation is stage II with other data; inpainting is joint_generator_step with w = 1 throughout.
#pragma once
#include <limits>
#include <vector>

#include "models/codeformer/codeformer.h"
#include "models/losses/image_objective.h"

namespace kintsugi {

/// How many codes are the same in both, which hold equally many [i64].
int64_t equal_codes(const Tensor& a, const Tensor& b);

/// Weights of the two terms on tokens; a term of weight 0 is left out.
struct TokenOptions {
  double feature_weight = 1;    // mean((sg[codebook[target]] - lq_feat)^2)
  double entropy_weight = 0.5;  // cross-entropy of the logits
};

/// Stage II on degraded images `in` [N,H,W,3] with the clean faces' codes `target` (i64, N x T in any shape), from
/// VQAutoEncoder::codes of a trained stage I network or stored. Adds gradients to the leaves; reports codes, l_feat_encoder,
/// cross_entropy_loss and, beside it, code_accuracy (share of predicted codes that are the target's).
StepReport stage2_step(const CodeFormer& net, const Tensor& in, const Tensor& target, const TokenOptions& options = {});

struct JointOptions {
  TokenOptions tokens;
  ImageObjectiveOptions image = {.gan_weight = 0.1};
  bool generator_is_frozen = true;  // where the adaptive weight is measured, see CodeFormer::last_layer
  bool detach_16 = true;            // the looked-up codes are cut from the graph; false lets the image train a codebook that is not frozen
};

/// Full forward pass with weight w; `target` may be empty when both token terms are off; gradients of token terms + L1 + perceptual
/// [+ adaptive GAN, unless the discriminator is null]. Reports what stage2_step and image_objective report. The store must be in train
/// mode when w is 0 (see CodeFormer).
StepReport joint_generator_step(const CodeFormer& net, const Discriminator* discriminator, const Tensor& in, const Tensor& gt,
                                const Tensor& target, double w, const JointOptions& options = {});

/// For steps of several micro-batches: what the adaptive weight is made of on one of them (ImageObjectiveOptions::weight).
AdaptiveGradients joint_adaptive_gradients(const CodeFormer& net, const Discriminator& discriminator, const Tensor& in, const Tensor& gt, double w,
                                           const JointOptions& options);

/// Iterations up to `last`. The small degradation is restored as an image every small_every-th iteration (0: never), the large
/// one is trained on codes alone in the others.
struct Stage3Phase {
  int64_t last;
  double w;
  int64_t small_every;
};

struct Stage3Options {
  JointOptions joint;
  int64_t net_d_start_iter = 5001;
  // The released code takes the image branch with w = 0 at iteration 120000 itself, where its adaptive weight has no graph to be
  // measured on; here that iteration belongs to its phase.
  std::vector<Stage3Phase> phases = {
      {40000, 1, 1}, {80000, 1.3, 1}, {120000, 0, 0}, {std::numeric_limits<int64_t>::max(), 1.3, 15}};
};

struct Stage3Plan {
  double w;
  bool large;  // codes only, on the large degradation
};
/// Throws Error when no phase holds the iteration.
Stage3Plan stage3_plan(int64_t iteration, const Stage3Options& options);

struct Stage3Batch {
  Tensor in, in_large;  // two degradations of gt, [N,H,W,3]
  Tensor gt;
  Tensor target;  // codes of gt
};
StepReport stage3_generator_step(const CodeFormer& net, const Discriminator* discriminator, const Stage3Batch& batch,
                                 int64_t iteration, const Stage3Options& options = {});

}  // namespace kintsugi
