// Stage II: the transformer learns to predict the clean face's codes from the degraded one.
#include "apps/train/handover.h"
#include "apps/train/stage.h"
#include "apps/train/target_codes.h"
#include "models/codeformer/stages.h"

namespace kintsugi {
namespace {

class Stage2 : public Stage {
 public:
  explicit Stage2(Run& run)
      : Stage(run, 2, run.recipe.stage2, run.data.degraded), vqgan_(frozen_vqgan(run.recipe, run.recipe.out, run.device)),
        net_(ready(run, vqgan_)), targets_(run, vqgan_), learn_("stage2", "g.", *net_.store, recipe_, recipe_.lr, run.ranks) {
    set_up(*net_.store, recipe_.recompute);
  }

  Values step(int64_t n, std::span<const Batch> batches) override {
    std::vector<StepInputs> inputs;
    for (const Batch& b : batches) inputs.push_back({b.gt, b.lq, targets_.kept(b)});
    return update(n, "", learn_, {}, inputs, [&](const StepInputs& in) { return stage2_step(*net_.net, in.lq, targets_(in.gt, in.codes), tokens_); });
  }

  Saved save(const std::string& prefix) override {
    const EmaWeights averaged(learn_.ema());
    return run_.save(prefix + "codes.safetensors", {kCodeFormerKind, to_json(net_.net->args)}, *net_.store);
  }

  Values validate() override {
    const EmaWeights averaged(learn_.ema());
    return measure_codeformer(run_, name(), *net_.net, *net_.store, *vqgan_.net, {0}, "codes");
  }

  std::string best_by() const override { return "code_accuracy"; }

  std::vector<Learner*> learners() override { return {&learn_}; }

 private:
  static Former ready(const Run& run, const Vqgan& vqgan) {
    Former net = former_of_stage1(run.recipe, vqgan, run.device);
    for (const std::string& part : run.recipe.stage2.freeze) freeze_part(*net.store, part);
    return net;
  }

  Vqgan vqgan_;
  Former net_;
  TargetCodes targets_;
  Learner learn_;
  const TokenOptions tokens_{.feature_weight = recipe_.feature_weight, .entropy_weight = recipe_.entropy_weight};
};

}  // namespace

std::unique_ptr<Stage> make_stage2(Run& run) { return std::make_unique<Stage2>(run); }

}  // namespace kintsugi
