#include "models/codeformer/stages.h"

#include <functional>
#include <numeric>

#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cross_entropy.h"
#include "autograd/ops/reduce.h"
#include "kernels/step_numbers.h"
#include "tensor/context.h"

namespace kintsugi {

int64_t equal_codes(const Tensor& a, const Tensor& b) {
  const Tensor here_a = a.host(), here_b = b.host();
  const auto x = here_a.span<int64_t>(), y = here_b.span<int64_t>();
  return std::transform_reduce(x.begin(), x.end(), y.begin(), int64_t(0), std::plus<>(), std::equal_to<>());
}

namespace {

// The token terms, weighted; empty when both are off.
Var token_objective(const CodeFormer& net, const CodeFormerOutput& out, const Tensor& target, const TokenOptions& options,
                    StepReport& report) {
  if (options.feature_weight <= 0 && options.entropy_weight <= 0) return {};
  const int64_t n = out.logits.dim(0), tokens = out.logits.dim(1);
  KIN_CHECK(target.numel() == n * tokens, "codeformer: target must hold ", n, " x ", tokens, " codes, got ", target);
  Var total;
  if (options.feature_weight > 0) {
    const Var wanted = net.backbone.quantize.codes(target.reshape(Shape{n, out.lq_feat.dim(1), out.lq_feat.dim(2)})).detach();
    total = mse_loss(out.lq_feat, wanted) * options.feature_weight;
    report.add("l_feat_encoder", total);
  }
  if (options.entropy_weight > 0) {
    const Var entropy = cross_entropy(out.logits, target.reshape(Shape{n, tokens})) * options.entropy_weight;
    report.add("cross_entropy_loss", entropy);
    const Tensor accuracy({}, DType::f64, target.device());
    equal_share(context_of(accuracy), {report.codes.raw<int64_t>(), target.raw<int64_t>(), target.numel(), accuracy.raw<double>()});
    report.add("code_accuracy", accuracy);
    total = total ? total + entropy : entropy;
  }
  return total;
}

}  // namespace

StepReport stage2_step(const CodeFormer& net, const Tensor& in, const Tensor& target, const TokenOptions& options) {
  StepReport report;
  const CodeFormerOutput out = net(in, {.code_only = true});
  report.codes = argmax(out.logits, -1);
  const Var total = token_objective(net, out, target, options, report);
  KIN_CHECK(bool(total), "codeformer: feature_weight and entropy_weight are both 0, so there is nothing to train on");
  backward(total);
  return report;
}

StepReport joint_generator_step(const CodeFormer& net, const Discriminator* discriminator, const Tensor& in, const Tensor& gt,
                                const Tensor& target, double w, const JointOptions& options) {
  StepReport report;
  const CodeFormerOutput out = net(in, {.w = w, .detach_16 = options.detach_16});
  report.codes = out.indices;
  const Var tokens = token_objective(net, out, target, options.tokens, report);
  const Var last_layer = discriminator && options.image.adapt ? net.last_layer(options.generator_is_frozen) : Var();
  const Var image = image_objective(out.image, gt, discriminator, last_layer, options.image, report);
  backward(tokens ? tokens + image : image);
  return report;
}

AdaptiveGradients joint_adaptive_gradients(const CodeFormer& net, const Discriminator& discriminator, const Tensor& in, const Tensor& gt, double w,
                                           const JointOptions& options) {
  return image_gradients(net(in, {.w = w}).image, gt, discriminator, net.last_layer(options.generator_is_frozen), options.image);
}

Stage3Plan stage3_plan(int64_t iteration, const Stage3Options& options) {
  for (const Stage3Phase& phase : options.phases)
    if (iteration <= phase.last) return {phase.w, phase.small_every == 0 || iteration % phase.small_every != 0};
  fail("stage3: no phase holds iteration ", iteration);
}

StepReport stage3_generator_step(const CodeFormer& net, const Discriminator* discriminator, const Stage3Batch& batch,
                                 int64_t iteration, const Stage3Options& options) {
  const Stage3Plan plan = stage3_plan(iteration, options);
  if (plan.large) return stage2_step(net, batch.in_large, batch.target, options.joint.tokens);
  return joint_generator_step(net, iteration > options.net_d_start_iter ? discriminator : nullptr, batch.in, batch.gt,
                              batch.target, plan.w, options.joint);
}

}  // namespace kintsugi
