// Stage III: fusion and encoder learn to paint, weighed by w.
#include "apps/train/handover.h"
#include "apps/train/stage.h"
#include "apps/train/target_codes.h"
#include "kernels/base/pattern.h"
#include "models/codeformer/stages.h"

namespace kintsugi {
namespace {

class Stage3 : public Stage {
 public:
  explicit Stage3(Run& run)
      : Stage(run, 3, run.recipe.stage3, run.data.degraded), vqgan_(frozen_vqgan(run.recipe, run.recipe.out, run.device)),
        net_(ready(run, vqgan_)), d_(critic_of_stage1(run.recipe, run.recipe.out, vqgan_, run.device)),
        learn_("stage3 codeformer", "g.", *net_.store, recipe_, run.ranks), learn_d_("stage3 discriminator", "d.", *d_.store, recipe_, run.ranks) {
    net_.store->recompute(recipe_.recompute);
    options_.image.perceptual = run.perceptual;
    options_.image.gan_weight = recipe_.gan_weight;
    options_.image.adaptive.mean = [ranks = run.ranks](Tensor& t) { ranks.average(t); };
    options_.generator_is_frozen = recipe_.fix_generator;
    if (!recipe_.fix_transformer) targets_.emplace(run, vqgan_);
    else options_.tokens = {.feature_weight = 0, .entropy_weight = 0};
  }

  Values step(int64_t n, std::span<const Batch> batches) override {
    const Discriminator* critic = n >= recipe_.gan_start ? d_.net.get() : nullptr;
    Values values;
    options_.image.weight.reset();
    if (critic)
      options_.image.weight = weight_over(batches, options_.image.adaptive, [&](const Batch& b) {
        return joint_adaptive_gradients(*net_.net, *critic, b.lq, b.gt, recipe_.w, options_);
      });
    update(n, learn_, {&learn_d_, d_.net.get()}, batches, values, [&](const Batch& b) {
      const Tensor target = recipe_.fix_transformer ? Tensor() : (*targets_)(b);
      return joint_generator_step(*net_.net, critic, b.lq, b.gt, target, recipe_.w, options_);
    });
    return values;
  }

  Saved save(const std::string& prefix) override {
    const EmaWeights averaged(learn_.ema());
    return run_.save(prefix + "codeformer.safetensors", {kCodeFormerKind, to_json(net_.net->args)}, *net_.store);
  }

  Values validate() override {
    const EmaWeights averaged(learn_.ema());
    return measure_codeformer(run_, name(), *net_.net, *net_.store, *vqgan_.net, {0, 0.5, 1}, "sheet.png");
  }

  std::string best_by() const override { return "psnr_w1"; }

  std::vector<Learner*> learners() override { return {&learn_, &learn_d_}; }

 private:
  // Stage II's network with what this stage trains set free and, if asked for, fusion that starts without effect.
  static Former ready(const Run& run, const Vqgan& vqgan) {
    const StageRecipe& s = run.recipe.stage3;
    Former net = former_of_stage2(run.recipe, run.recipe.out, vqgan, run.device);
    freeze_codebook_and_generator(*net.store);
    if (!s.fix_generator) net.store->unfreeze("generator.*");
    if (s.fix_transformer)
      for (const char* part : {"encoder.*", "position_emb", "feat_emb.*", "ft_layers.*", "idx_pred_layer.*"}) net.store->freeze(part);
    if (s.zero_start)
      for (const auto& e : net.store->entries())
        if (matches_pattern(e.name, "fuse_convs_dict.*.scale.2.*") || matches_pattern(e.name, "fuse_convs_dict.*.shift.2.*")) e.value().fill_(0);
    return net;
  }

  Vqgan vqgan_;
  Former net_;
  Critic d_;
  std::optional<TargetCodes> targets_;  // where tokens are trained
  Learner learn_, learn_d_;
  JointOptions options_;
};

}  // namespace

std::unique_ptr<Stage> make_stage3(Run& run) { return std::make_unique<Stage3>(run); }

}  // namespace kintsugi
