#include "apps/train/stage.h"

#include <fmt/format.h>

#include <map>

#include "autograd/ops/binary.h"

namespace kintsugi {

Values Stage::update(int64_t n, const std::string& kind, Learner& learn, const Judge& judge, const std::vector<StepInputs>& inputs,
                     const Compute& compute) {
  learn.prepare(n);
  if (judge.learner) judge.learner->prepare(n);
  const auto generating = [&](const std::vector<StepInputs>& in) { return [&](size_t i) { return compute(in[i]); }; };
  const auto judging = [&](const std::vector<StepInputs>& in, const std::vector<StepReport>& generated) {
    return [&](size_t i) {
      StepReport report;
      discriminator_step(*judge.net, in[i].gt, generated[i].output, judge.kind, report);
      return report;
    };
  };
  const QueuedStep step = recorded_(kind, inputs, [&](const std::vector<StepInputs>& in) {
    const std::vector<StepReport> generated = learn.compute(in.size(), 1, generating(in));
    std::vector<StepReport> judged;
    const bool gan = judge.learner && generated[0].gan;
    if (gan) judged = judge.learner->compute(in.size(), 2, judging(in, generated));
    QueuedStep q{in, learn.queue(generated, n, generating(in)), {}};
    if (gan) q.judge = judge.learner->queue(judged, n, judging(in, generated), &q.learn);
    return q;
  });
  const Learner::Outcome moved = learn.finish(step.learn, n, generating(step.inputs));
  Values values = moved.losses;
  values.insert(values.end(), {{"grad_norm", moved.norm}, {"lr", learn.rate(n)}});
  if (!step.judge) return values;
  const Learner::Outcome judged = judge.learner->finish(*step.judge, n, judging(step.inputs, step.learn.reports));
  values.insert(values.end(), judged.losses.begin(), judged.losses.end());
  values.insert(values.end(), {{"grad_norm_d", judged.norm}, {"lr_d", judge.learner->rate(n)}});
  return values;
}

std::optional<AdaptiveWeight> weight_over(std::span<const Batch> batches, const AdaptiveWeightOptions& options, const Ranks& ranks,
                                          const std::function<AdaptiveGradients(const Batch&)>& gradients) {
  if (batches.size() == 1) return {};
  Var recon, gan;
  for (const Batch& batch : batches) {
    const AdaptiveGradients g = gradients(batch);
    const NoGrad off;
    recon = recon ? recon + Var(g.recon) : Var(g.recon);
    gan = gan ? gan + Var(g.gan) : Var(g.gan);
    ranks.communicator()->pulse();
  }
  const NoGrad off;
  const double share = 1.0 / double(batches.size());
  return adaptive_weight({(recon * share).value(), (gan * share).value()}, options);
}

ImageObjectiveOptions image_options(const Run& run, const StageRecipe& r) {
  static const std::map<std::string, GanKind> kinds = {{"hinge", GanKind::hinge}, {"vanilla", GanKind::vanilla}, {"lsgan", GanKind::lsgan},
                                                       {"wgan", GanKind::wgan}, {"wgan_softplus", GanKind::wgan_softplus}};
  ImageObjectiveOptions o;
  o.l1_weight = r.pixel_weight;
  if (run.judges.perceptual && r.perceptual_weight > 0)
    o.perceptual = [loss = run.judges.perceptual, weight = r.perceptual_weight](const Var& image, const Tensor& target) { return loss(image, target) * weight; };
  o.gan_kind = kinds.at(r.gan);
  o.gan_weight = r.gan_weight;
  o.adapt = r.adaptive_weight;
  o.adaptive.max = r.adaptive_max;
  o.adaptive.mean = [ranks = run.ranks](Tensor& t) { ranks.average(t); };
  return o;
}

Values measure_codeformer(Run& run, const std::string& stage, const CodeFormer& net, ParameterStore& store, const VQAutoEncoder& vqgan,
                          const std::vector<double>& ws, const std::string& sheet) {
  Validation& v = run.result.validation = validate(net, store, vqgan, *run.data.validation, run.judges.lpips, ws, run.recipe.adain, kSheetFaces,
                                                     [&] { run.poll(); });
  Values values{{"psnr_degraded", v.degraded.psnr}, {"ssim_degraded", v.degraded.ssim},
                {"code_accuracy", v.code_accuracy}, {"nearest_accuracy", v.nearest_accuracy}};
  for (size_t i = 0; i < ws.size(); ++i) {
    values.emplace_back(fmt::format("psnr_w{}", ws[i]), v.restored[i].psnr);
    values.emplace_back(fmt::format("ssim_w{}", ws[i]), v.restored[i].ssim);
  }
  if (v.degraded.lpips) {
    values.emplace_back("lpips_degraded", *v.degraded.lpips);
    for (size_t i = 0; i < ws.size(); ++i) values.emplace_back(fmt::format("lpips_w{}", ws[i]), *v.restored[i].lpips);
  }
  run.log.picture(sheet, v.sheet);
  run.say(fmt::format("{}: {:.1f}% of the clean faces' codes predicted ({:.1f}% by nearest neighbour)", stage, 100 * v.code_accuracy,
                      100 * v.nearest_accuracy));
  return values;
}

}  // namespace kintsugi
