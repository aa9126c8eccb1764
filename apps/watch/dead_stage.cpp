#include "apps/watch/dead_stage.h"

#include <fmt/format.h>

namespace kintsugi {

bool DeadStage::lasts(Streak& streak, std::optional<bool> holds) const {
  if (!holds) return false;
  streak.steps = *holds ? streak.steps + 1 : 0;
  if (streak.steps < options_.dead_steps || streak.told) return false;
  return streak.told = true;
}

std::vector<std::string> DeadStage::observe(const Values& values, std::optional<double> perplexity) {
  const WatchOptions& o = options_;
  std::vector<std::string> dead;
  const auto tell = [&](const std::string& what) { dead.push_back(fmt::format("{}, for {} steps now", what, o.dead_steps)); };

  std::optional<bool> collapsed;
  if (perplexity && o.dead_perplexity > 0) collapsed = *perplexity < o.dead_perplexity * double(codebook_size_);
  if (lasts(collapsed_, collapsed))
    tell(fmt::format("the codes have collapsed: perplexity {:.2f} of {} codes, below watch.dead_perplexity = {}", *perplexity, codebook_size_,
                     o.dead_perplexity));

  const double *loss_real = find(values, "l_d_real"), *loss_fake = find(values, "l_d_fake");
  std::optional<bool> no_loss;
  // Losses below 0 are those of a critic without margin, which has nothing to saturate.
  if (loss_real && loss_fake && o.dead_loss > 0)
    no_loss = *loss_real >= 0 && *loss_fake >= 0 && *loss_real < o.dead_loss && *loss_fake < o.dead_loss;
  if (lasts(no_loss_, no_loss))
    tell(fmt::format("the discriminator is saturated: its losses are {:.2g} on real and {:.2g} on fake faces, below watch.dead_loss = {}", *loss_real,
                     *loss_fake, o.dead_loss));

  const double *real = find(values, "out_d_real"), *fake = find(values, "out_d_fake");
  std::optional<bool> beyond;
  if (real && fake && o.dead_logits > 0) beyond = *real > o.dead_logits && *fake < -o.dead_logits;
  if (lasts(logits_, beyond))
    tell(fmt::format("the discriminator is saturated: mean logits {:.1f} on real and {:.1f} on fake faces, beyond watch.dead_logits = {}", *real, *fake,
                     o.dead_logits));

  const double *weight = find(values, "d_weight_clamped"), *clamped = find(values, "d_weight_at_max");
  std::optional<bool> at_most;
  if (weight && clamped && o.dead_adaptive) at_most = *clamped >= 1;
  if (lasts(at_most_, at_most)) tell(fmt::format("the adaptive weight does not adapt: it is clamped to its upper bound {:.3g}", *weight));
  return dead;
}

}  // namespace kintsugi
