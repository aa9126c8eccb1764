#include "apps/train/learner.h"

#include <cmath>

#include "autograd/finite_watch.h"
#include "kernels/base/profile_range.h"

namespace kintsugi {

Learner::Learner(std::string name, ParameterStore& store, const StageRecipe& r)
    : name_(std::move(name)), clip_(r.clip), schedule_(warm_up(cosine(r.lr, std::max(1, r.steps), r.lr_end), r.warmup)),
      adam_(store.trainable(), {.beta1 = r.beta1, .beta2 = r.beta2}), ema_(store.trainable(), r.ema) {}

double Learner::step(int64_t step, const std::function<StepReport()>& compute) {
  adam_.zero_grad();
  const StepReport report = [&] {
    const ProfileRange range("forward and backward");
    return compute();
  }();
  const double norm = global_grad_norm(adam_.parameters());
  std::string bad = std::isfinite(norm) ? "" : "the gradient";
  for (const auto& [name, value] : report.losses)
    if (!std::isfinite(value)) bad = name;
  if (!bad.empty()) {
    adam_.zero_grad();
    FiniteWatch watch;
    compute();
    throw NotFiniteError(text(name_, ", step ", step, ": ", bad, " is not finite; the first tensor that is not: ",
                              watch.found() ? watch.first() : "none when the step was repeated"));
  }
  const ProfileRange range("optimiser");
  adam_.step({.lr = rate(step), .grad_scale = clip_ > 0 ? clip_factor(norm, clip_) : 1, .ema = &ema_});
  adam_.zero_grad();
  return norm;
}

}  // namespace kintsugi
