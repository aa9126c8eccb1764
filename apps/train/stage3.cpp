// Stage III: fusion and encoder learn to paint, weighed by w, in phases of images and of codes.
#include <fmt/format.h>

#include <limits>

#include "apps/train/handover.h"
#include "apps/train/stage.h"
#include "apps/train/target_codes.h"
#include "kernels/base/pattern.h"
#include "models/codeformer/stages.h"

namespace kintsugi {
namespace {

Stage3Options options_of(const Run& run, const StageRecipe& r) {
  Stage3Options o;
  o.joint.image = image_options(run, r);
  o.joint.tokens = {.feature_weight = r.feature_weight, .entropy_weight = r.entropy_weight};
  if (r.freezes("transformer")) o.joint.tokens = {.feature_weight = 0, .entropy_weight = 0};
  o.joint.generator_is_frozen = r.freezes("generator");
  o.joint.detach_16 = r.detach_16;
  o.net_d_start_iter = r.gan_start;
  o.phases.clear();
  for (size_t i = 0; i < r.phase_w.size(); ++i)
    o.phases.push_back({.last = i < r.phase_ends.size() ? r.phase_ends[i] : std::numeric_limits<int64_t>::max(), .w = r.phase_w[i],
                        .small_every = r.phase_small_every[i]});
  return o;
}

class Stage3 : public Stage {
 public:
  explicit Stage3(Run& run)
      : Stage(run, 3, run.recipe.stage3, run.data.degraded), vqgan_(frozen_vqgan(run.recipe, run.recipe.out, run.device)),
        net_(ready(run, vqgan_)), d_(critic(run, vqgan_)), learn_("stage3 codeformer", "g.", *net_.store, recipe_, recipe_.lr, run.ranks),
        learn_d_("stage3 discriminator", "d.", *d_.store, recipe_, recipe_.discriminator_lr(), run.ranks), options_(options_of(run, recipe_)) {
    set_up(*net_.store, recipe_.recompute);
    set_up(*d_.store, false);
    if (!recipe_.freezes("transformer")) targets_.emplace(run, vqgan_);
  }

  Values step(int64_t n, std::span<const Batch> batches) override {
    const int64_t iteration = n + 1;
    const Stage3Plan plan = stage3_plan(iteration, options_);
    ImageObjectiveOptions& image = options_.joint.image;
    image.weight.reset();
    if (!plan.large && iteration > options_.net_d_start_iter && image.adapt)
      image.weight = weight_over(batches, image.adaptive, run_.ranks, [&](const Batch& b) {
        return joint_adaptive_gradients(*net_.net, *d_.net, b.lq, b.gt, plan.w, options_.joint);
      });
    std::vector<StepInputs> inputs;
    for (const Batch& b : batches) inputs.push_back({b.gt, b.lq, targets_ ? targets_->kept(b) : Tensor()});
    const std::string kind = plan.large ? "codes" : fmt::format("w = {}{}", plan.w, iteration > options_.net_d_start_iter ? ", with discriminator" : "");
    Values values = update(n, kind, learn_, {&learn_d_, d_.net.get(), image.gan_kind}, inputs, [&](const StepInputs& in) {
      const Stage3Batch batch{.in = in.lq, .in_large = in.lq, .gt = in.gt, .target = targets_ ? (*targets_)(in.gt, in.codes) : Tensor()};
      return stage3_generator_step(*net_.net, d_.net.get(), batch, iteration, options_);
    });
    if (!plan.large) values.emplace_back("w", plan.w);
    return values;
  }

  const Dataset& data_of(int64_t n) const override { return stage3_plan(n + 1, options_).large ? *run_.data.degraded : *run_.data.small; }

  Saved save(const std::string& prefix) override {
    const EmaWeights averaged(learn_.ema());
    return run_.save(prefix + "codeformer.safetensors", {kCodeFormerKind, to_json(net_.net->args)}, *net_.store);
  }

  Values validate() override {
    const EmaWeights averaged(learn_.ema());
    return measure_codeformer(run_, name(), *net_.net, *net_.store, *vqgan_.net, {0, 0.5, 1}, "sheet");
  }

  std::string best_by() const override { return "psnr_w1"; }

  std::vector<Learner*> learners() override { return {&learn_, &learn_d_}; }

 private:
  // Stage II's network, or a new one on stage I's, with the recipe's parts frozen and, if asked for, fusion that starts without effect.
  static Former ready(const Run& run, const Vqgan& vqgan) {
    const StageRecipe& s = run.recipe.stage3;
    Former net = s.grows_from == "stage1" ? former_of_stage1(run.recipe, vqgan, run.device)
                                          : former_of_stage2(run.recipe, run.recipe.out, vqgan, run.device);
    for (const std::string& part : s.freeze) freeze_part(*net.store, part);
    if (s.zero_start)
      for (const auto& e : net.store->entries())
        if (matches_pattern(e.name, "fuse_convs_dict.*.scale.2.*") || matches_pattern(e.name, "fuse_convs_dict.*.shift.2.*")) e.value().fill_(0);
    return net;
  }

  static Critic critic(const Run& run, const Vqgan& vqgan) {
    if (run.recipe.stage3.discriminator == "new") return {discriminator_args(run.recipe), run.recipe.seed, run.device};
    return critic_of_stage1(run.recipe, run.recipe.out, vqgan, run.device);
  }

  Vqgan vqgan_;
  Former net_;
  Critic d_;
  std::optional<TargetCodes> targets_;  // where codes are trained
  Learner learn_, learn_d_;
  Stage3Options options_;
};

}  // namespace

std::unique_ptr<Stage> make_stage3(Run& run) { return std::make_unique<Stage3>(run); }

}  // namespace kintsugi
