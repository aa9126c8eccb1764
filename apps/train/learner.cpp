#include "apps/train/learner.h"

#include <algorithm>
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

Schedule schedule_of(const StageRecipe& r, double lr) {
  if (r.schedule == "constant") return constant_rate(lr);
  if (r.schedule == "multistep") return multistep(lr, {r.milestones.begin(), r.milestones.end()}, r.gamma);
  std::vector<int64_t> periods(r.periods.begin(), r.periods.end());
  if (periods.empty()) periods = {std::max(1, r.steps)};
  std::vector<double> weights = r.period_weights;
  weights.resize(periods.size(), 1);
  return cosine_restart(lr, std::move(periods), std::move(weights), r.lr_end);
}

}  // namespace

Learner::Learner(std::string name, std::string prefix, ParameterStore& store, const StageRecipe& r, double lr, const Ranks& ranks)
    : name_(std::move(name)), prefix_(std::move(prefix)), store_(store), ranks_(ranks), parallel_(store, ranks.communicator()), clip_(r.clip),
      schedule_(warm_up(schedule_of(r, lr), r.warmup)),
      adam_(store.trainable(), {.beta1 = r.beta1, .beta2 = r.beta2, .weight_decay = r.weight_decay}), ema_(store.trainable(), r.ema) {}

std::vector<StepReport> Learner::compute(size_t micro_batches, int passes, const Compute& compute) {
  const ProfileRange range("forward and backward");
  adam_.zero_grad();
  parallel_.begin(int(micro_batches), passes);
  compute_ = compute;
  reports_.clear();
  for (size_t i = 0; i < micro_batches; ++i) {
    reports_.push_back(compute(i));
    ranks_.communicator()->pulse();
  }
  return reports_;
}

double Learner::update(int64_t step) {
  parallel_.finish();
  const double scale = 1.0 / (double(reports_.size()) * ranks_.size());  // gradients are sums so far
  const std::vector<double> squares = grad_squares(adam_.parameters());
  const double norm = scale * std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0));
  std::string bad = std::isfinite(norm) ? "" : "the gradient";
  for (const StepReport& report : reports_)
    for (const auto& [name, value] : report.losses)
      if (!std::isfinite(value)) bad = name;
  if (ranks_.any(!bad.empty())) fail_not_finite(step, bad);
  const ProfileRange range("optimiser");
  adam_.step({.lr = rate(step), .grad_scale = scale * (clip_ > 0 ? clip_factor(norm, clip_) : 1), .ema = &ema_});
  adam_.zero_grad();
  shown_ = shown_of(adam_.parameters(), squares, scale, reports_);
  return norm;
}

// Every rank repeats the step, for its operations are the others' as well; the first that finds something is quoted.
void Learner::fail_not_finite(int64_t step, const std::string& bad) {
  adam_.zero_grad();
  FiniteWatch watch;
  for (size_t i = 0; i < reports_.size(); ++i) {
    compute_(i);
    ranks_.communicator()->pulse();
  }
  std::string mine;
  if (watch.found()) mine = text(bad.empty() ? "the gradient" : bad, " is not finite; the first tensor that is not: ", watch.first());
  const auto found = ranks_.communicator()->all_gather(mine);
  for (size_t r = 0; r < found.size(); ++r)
    if (!found[r].empty()) throw NotFiniteError(text(name_, ", step ", step, found.size() > 1 ? text(", rank ", r) : std::string(), ": ", found[r]));
  throw NotFiniteError(text(name_, ", step ", step, ": ", bad.empty() ? "the gradient" : bad,
                            " is not finite; the first tensor that is not: none when the step was repeated"));
}

void Learner::synchronise() const {
  parallel_.broadcast_buffers();
  parallel_.check_equal();
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
