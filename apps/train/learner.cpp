#include "apps/train/learner.h"

#include <cmath>
#include <numeric>

#include "autograd/finite_watch.h"
#include "kernels/base/profile_range.h"

namespace kintsugi {
namespace {

Learner::Shown shown_of(const ParameterList& parameters, const std::vector<double>& squares, double scale, const std::vector<StepReport>& reports) {
  Learner::Shown s;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = parameters[i].name;
    const std::string module = name.substr(0, name.find('.'));
    if (s.module_norms.empty() || s.module_norms.back().first != module) s.module_norms.emplace_back(module, 0.0);
    s.module_norms.back().second += squares[i];
    s.tensor_norms.push_back(scale * std::sqrt(squares[i]));
  }
  for (auto& [module, norm] : s.module_norms) norm = scale * std::sqrt(norm);
  for (const StepReport& r : reports)
    if (r.codes) s.codes.push_back(r.codes);
  return s;
}

}  // namespace

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
  const std::vector<double> squares = grad_squares(adam_.parameters());
  taken.grad_norm = scale * std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0));
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
  shown_ = shown_of(adam_.parameters(), squares, scale, taken.reports);
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
