#include "optim/ema.h"

#include <utility>

#include "kernels/optimizer.h"
#include "tensor/context.h"

namespace kintsugi {

Ema::Ema(ParameterList parameters, double decay) : parameters_(std::move(parameters)), decay_(decay) {
  KIN_CHECK(decay >= 0 && decay <= 1, "ema: decay must be between 0 and 1, got ", decay);
  const OpName op("ema");
  for (const auto& p : parameters_) {
    places_.emplace(p.var.state().get(), averages_.size());
    averages_.push_back({p.name, p.var.value().clone()});
  }
}

std::optional<size_t> Ema::place_of(const Var& parameter) const {
  const auto found = places_.find(parameter.state().get());
  if (found == places_.end()) return {};
  return found->second;
}

void Ema::update() {
  queue_except({}, nullptr);
  moved();
}

void Ema::queue_except(const std::vector<bool>& done, const StepVerdict* verdict) const {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (i < done.size() && done[i]) continue;
    const Tensor &p = parameters_[i].var.value(), &average = averages_[i].second;
    ema_update(context_of(p), {average.raw(), p.raw(), p.numel(), decay_, p.dtype(), verdict});
  }
}

void Ema::moved() const {
  for (const auto& [name, average] : averages_) average.bump_version();
}

void Ema::swap() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Tensor p = parameters_[i].var.value(), average = averages_[i].second;
    const Tensor kept = p.clone();
    p.copy_(average);
    average.copy_(kept);
  }
}

}  // namespace kintsugi
