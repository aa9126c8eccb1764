#include "apps/train/stage.h"

#include <fmt/format.h>

#include "autograd/ops/binary.h"
#include "data/image_file.h"

namespace kintsugi {

std::vector<StepReport> generator_update(Learner& learn, int64_t step, std::span<const Batch> batches, Values& values,
                                         const std::function<StepReport(const Batch&)>& compute) {
  const Learner::Taken taken = learn.step(step, batches.size(), [&](size_t i) { return compute(batches[i]); });
  const Values losses = mean_losses(taken.reports);
  values.insert(values.end(), losses.begin(), losses.end());
  values.insert(values.end(), {{"grad_norm", taken.grad_norm}, {"lr", learn.rate(step)}});
  return taken.reports;
}

std::optional<AdaptiveWeight> weight_over(std::span<const Batch> batches, const AdaptiveWeightOptions& options,
                                          const std::function<AdaptiveGradients(const Batch&)>& gradients) {
  if (batches.size() == 1) return {};
  Var recon, gan;
  for (const Batch& batch : batches) {
    const AdaptiveGradients g = gradients(batch);
    const NoGrad off;
    recon = recon ? recon + Var(g.recon) : Var(g.recon);
    gan = gan ? gan + Var(g.gan) : Var(g.gan);
  }
  const NoGrad off;
  const double share = 1.0 / double(batches.size());
  return adaptive_weight({(recon * share).value(), (gan * share).value()}, options);
}

void discriminator_update(Learner& learn, const Discriminator& d, int64_t step, std::span<const Batch> batches,
                          const std::vector<StepReport>& generated, Values& values) {
  const Learner::Taken taken = learn.step(step, batches.size(), [&](size_t i) {
    StepReport report;
    discriminator_step(d, batches[i].gt, generated[i].output, GanKind::hinge, report);
    return report;
  });
  const Values losses = mean_losses(taken.reports);
  values.insert(values.end(), losses.begin(), losses.end());
}

Values measure_codeformer(Run& run, const std::string& stage, const CodeFormer& net, ParameterStore& store, const VQAutoEncoder& vqgan,
                          const std::vector<double>& ws, const std::string& sheet) {
  Validation& v = run.result.validation = validate(net, store, vqgan, *run.data.validation, ws, kSheetFaces, [&] { run.poll(); });
  Values values{{"psnr_degraded", v.degraded.psnr}, {"ssim_degraded", v.degraded.ssim}, {"code_accuracy", v.code_accuracy}, {"nearest_accuracy", v.nearest_accuracy}};
  for (size_t i = 0; i < ws.size(); ++i) {
    values.emplace_back(fmt::format("psnr_w{}", ws[i]), v.restored[i].psnr);
    values.emplace_back(fmt::format("ssim_w{}", ws[i]), v.restored[i].ssim);
  }
  write_image(run.log.path(sheet), v.sheet);
  run.say(fmt::format("{}: {:.1f}% of the clean faces' codes predicted ({:.1f}% by nearest neighbour)", stage, 100 * v.code_accuracy,
                      100 * v.nearest_accuracy));
  return values;
}

}  // namespace kintsugi
