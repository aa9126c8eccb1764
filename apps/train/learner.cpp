#include "apps/train/learner.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "autograd/finite_watch.h"
#include "kernels/base/profile_range.h"
#include "kernels/step_numbers.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

constexpr int64_t kVerdict = sizeof(StepVerdict) / sizeof(double);

StepVerdict* verdict_of(const Tensor& numbers) { return reinterpret_cast<StepVerdict*>(numbers.raw<double>()); }

int64_t count_losses(const std::vector<StepReport>& reports) {
  int64_t n = 0;
  for (const StepReport& r : reports) n += int64_t(r.losses.size());
  return n;
}

// to [losses] f64: those of all reports, one behind the other.
void gather_losses(const std::vector<StepReport>& reports, const Tensor& to) {
  std::vector<Tensor> all;  // alive until they are queued
  for (const StepReport& r : reports)
    for (const auto& [name, value] : r.losses) all.push_back(value.to(to.device()));
  for (size_t begin = 0; begin < all.size(); begin += GatherNumbers::kMost) {
    GatherNumbers g{};
    g.out = to.raw<double>() + begin;
    for (; g.count < GatherNumbers::kMost && begin + size_t(g.count) < all.size(); ++g.count) {
      const Tensor& t = all[begin + size_t(g.count)];
      g.from[g.count] = t.raw(), g.types[g.count] = t.dtype();
    }
    gather_numbers(context_of(to), g);
  }
}

// Each loss, averaged over the micro-batches; `numbers` as gather_losses laid them.
Values mean_losses(const std::vector<StepReport>& reports, const double* numbers) {
  Values mean;
  for (const auto& [name, value] : reports.at(0).losses) mean.emplace_back(name, *numbers++);
  for (size_t r = 1; r < reports.size(); ++r) {
    KIN_CHECK(reports[r].losses.size() == mean.size(), "train: micro-batches of one step must report the same losses");
    for (auto& [name, sum] : mean) sum += *numbers++;
  }
  for (auto& [name, sum] : mean) sum /= double(reports.size());
  return mean;
}

Learner::Shown shown_of(const ParameterList& parameters, std::span<const double> squares, double scale, const std::vector<StepReport>& reports) {
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
      adam_(store.trainable(), {.beta1 = r.beta1, .beta2 = r.beta2, .weight_decay = r.weight_decay}), ema_(store.trainable(), r.ema),
      rates_({int64_t(adam_.parameters().size()), 3}, DType::f64, store.device()) {}

void Learner::prepare(int64_t step) { rates_.copy_(adam_.rates(rate(step))); }

std::vector<StepReport> Learner::compute(size_t micro_batches, int passes, const Compute& compute) {
  const ProfileRange range("forward and backward");
  adam_.zero_grad();
  parallel_.begin(int(micro_batches), passes);
  std::vector<StepReport> reports;
  for (size_t i = 0; i < micro_batches; ++i) {
    reports.push_back(compute(i));
    ranks_.communicator()->pulse();
  }
  return reports;
}

Learner::Queued Learner::queue(std::vector<StepReport> reports, int64_t step, const Compute& compute, const Queued* before) {
  parallel_.finish();
  const ProfileRange range("optimiser");
  const ParameterList& parameters = adam_.parameters();
  const int64_t losses = count_losses(reports), all = kVerdict + losses + int64_t(parameters.size());
  const Tensor numbers({all}, DType::f64, rates_.device()), squares = numbers.rows(kVerdict + losses, all);
  gather_losses(reports, numbers.rows(kVerdict, kVerdict + losses));
  grad_squares(parameters, squares);
  const bool alone = ranks_.size() == 1;
  const double scale = 1.0 / (double(reports.size()) * ranks_.size());  // gradients are sums so far
  judge_step(context_of(numbers), {squares.raw<double>(), squares.numel(), numbers.raw<double>() + kVerdict, losses, scale, clip_,
                                   alone && before ? verdict_of(before->numbers) : nullptr, verdict_of(numbers)});
  Queued queued{std::move(reports), numbers, {}};
  if (!alone) {  // a loss may be finite on this rank and not on another
    queued.numbers = numbers.host();
    check_finite(queued, step, compute);
  }
  queued.moved = adam_.queue(rates_, numbers.rows(0, kVerdict), &ema_);
  adam_.zero_grad();
  return queued;
}

Learner::Outcome Learner::finish(const Queued& queued, int64_t step, const Compute& compute) {
  const Queued here{queued.reports, queued.numbers.host(), queued.moved};
  if (ranks_.size() == 1) check_finite(here, step, compute);
  adam_.count(here.moved, &ema_);
  const double* numbers = here.numbers.data<double>();
  const double scale = 1.0 / (double(here.reports.size()) * ranks_.size());
  shown_ = shown_of(adam_.parameters(), here.numbers.span<double>().last(adam_.parameters().size()), scale, here.reports);
  return {mean_losses(here.reports, numbers + kVerdict), verdict_of(here.numbers)->norm};
}

// Every rank repeats the step, for its operations are the others' as well; the first that finds something is quoted.
void Learner::check_finite(const Queued& queued, int64_t step, const Compute& compute) {
  const double* numbers = queued.numbers.data<double>();
  std::string bad = std::isfinite(numbers[0]) ? "" : "the gradient";
  const double* loss = numbers + kVerdict;
  for (const StepReport& report : queued.reports)
    for (const auto& [name, value] : report.losses)
      if (!std::isfinite(*loss++)) bad = name;
  if (!ranks_.any(!bad.empty())) return;
  if (bad.empty()) bad = "the gradient";
  adam_.zero_grad();
  FiniteWatch watch;
  for (size_t i = 0; i < queued.reports.size(); ++i) {
    compute(i);
    ranks_.communicator()->pulse();
  }
  std::string mine;
  if (watch.found()) mine = text(bad, " is not finite; the first tensor that is not: ", watch.first());
  const auto found = ranks_.communicator()->all_gather(mine);
  for (size_t r = 0; r < found.size(); ++r)
    if (!found[r].empty()) throw NotFiniteError(text(name_, ", step ", step, found.size() > 1 ? text(", rank ", r) : std::string(), ": ", found[r]));
  throw NotFiniteError(text(name_, ", step ", step, ": ", bad, " is not finite; the first tensor that is not: none when the step was repeated"));
}

void Learner::synchronise() const {
  parallel_.broadcast_buffers();
  parallel_.check_equal();
}

}  // namespace kintsugi
