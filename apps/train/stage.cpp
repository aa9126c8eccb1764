#include "apps/train/stage.h"

#include <fmt/format.h>

#include <map>

#include "autograd/ops/binary.h"

namespace kintsugi {

void update(int64_t step, Learner& learn, const Judge& judge, std::span<const Batch> batches, Values& values,
            const std::function<StepReport(const Batch&)>& compute) {
  const auto append = [&](const std::vector<StepReport>& reports) {
    const Values losses = mean_losses(reports);
    values.insert(values.end(), losses.begin(), losses.end());
  };
  const auto generated = learn.compute(batches.size(), 1, [&](size_t i) { return compute(batches[i]); });
  std::vector<StepReport> judged;
  const bool gan = judge.learner && generated[0].gan;
  if (gan)
    judged = judge.learner->compute(batches.size(), 2, [&](size_t i) {
      StepReport report;
      discriminator_step(*judge.net, batches[i].gt, generated[i].output, judge.kind, report);
      return report;
    });
  append(generated);
  values.insert(values.end(), {{"grad_norm", learn.update(step)}, {"lr", learn.rate(step)}});
  if (!gan) return;
  const double norm_d = judge.learner->update(step);
  append(judged);
  values.insert(values.end(), {{"grad_norm_d", norm_d}, {"lr_d", judge.learner->rate(step)}});
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
