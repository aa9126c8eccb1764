#include "apps/train/learner.h"

#include <cmath>

#include "autograd/finite_watch.h"
#include "kernels/base/profile_range.h"

namespace kintsugi {

Learner::Learner(std::string name, std::string prefix, ParameterStore& store, const StageRecipe& r)
    : name_(std::move(name)), prefix_(std::move(prefix)), store_(store), clip_(r.clip), schedule_(warm_up(cosine(r.lr, std::max(1, r.steps), r.lr_end), r.warmup)),
      adam_(store.trainable(), {.beta1 = r.beta1, .beta2 = r.beta2}), ema_(store.trainable(), r.ema) {}

Learner::Taken Learner::step(int64_t step, size_t micro_batches, const std::function<StepReport(size_t)>& compute) {
  adam_.zero_grad();
  Taken taken;
  {
    const ProfileRange range("forward and backward");
    for (size_t i = 0; i < micro_batches; ++i) taken.reports.push_back(compute(i));
  }
  const double scale = 1.0 / double(micro_batches);  // gradients are sums so far
  taken.grad_norm = scale * global_grad_norm(adam_.parameters());
  std::string bad = std::isfinite(taken.grad_norm) ? "" : "the gradient";
  for (const StepReport& report : taken.reports)
    for (const auto& [name, value] : report.losses)
      if (!std::isfinite(value)) bad = name;
  if (!bad.empty()) {
    adam_.zero_grad();
    FiniteWatch watch;
    for (size_t i = 0; i < micro_batches; ++i) compute(i);
    throw NotFiniteError(text(name_, ", step ", step, ": ", bad, " is not finite; the first tensor that is not: ",
                              watch.found() ? watch.first() : "none when the step was repeated"));
  }
  const ProfileRange range("optimiser");
  adam_.step({.lr = rate(step), .grad_scale = scale * (clip_ > 0 ? clip_factor(taken.grad_norm, clip_) : 1), .ema = &ema_});
  adam_.zero_grad();
  return taken;
}

std::vector<std::pair<std::string, double>> mean_losses(const std::vector<StepReport>& reports) {
  std::vector<std::pair<std::string, double>> mean = reports.at(0).losses;
  for (size_t i = 0; i < mean.size(); ++i) {
    for (size_t r = 1; r < reports.size(); ++r) mean[i].second += reports[r].loss(mean[i].first);
    mean[i].second /= double(reports.size());
  }
  return mean;
}

}  // namespace kintsugi
