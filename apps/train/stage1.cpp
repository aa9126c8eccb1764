// Stage I: the codebook and the generator are learnt by redrawing clean faces.
#include <fmt/format.h>

#include "apps/train/handover.h"
#include "apps/train/stage.h"
#include "models/vqgan/revive.h"
#include "models/vqgan/stage.h"

namespace kintsugi {
namespace {

class Stage1 : public Stage {
 public:
  explicit Stage1(Run& run)
      : Stage(run, 1, run.recipe.stage1, run.data.clean), g_(vqgan_args(run.recipe), run.recipe.seed, run.device),
        d_(discriminator_args(run.recipe), run.recipe.seed, run.device), learn_g_("stage1 generator", "g.", *g_.store, recipe_, recipe_.lr, run.ranks),
        learn_d_("stage1 discriminator", "d.", *d_.store, recipe_, recipe_.discriminator_lr(), run.ranks) {
    set_up(*g_.store, recipe_.recompute);
    set_up(*d_.store, false);
    options_.image = image_options(run, recipe_);
    options_.codebook_weight = recipe_.codebook_weight;
    options_.net_d_start_iter = recipe_.gan_start;
  }

  Values step(int64_t n, std::span<const Batch> batches) override {
    const int64_t iteration = n + 1;
    Values values;
    if (recipe_.revive_every > 0 && n < recipe_.revive_until && n % recipe_.revive_every == 0)
      values.emplace_back("revived", double(revive(batches[0].gt, n)));
    options_.image.weight.reset();
    if (iteration > options_.net_d_start_iter && recipe_.adaptive_weight)
      options_.image.weight = weight_over(batches, options_.image.adaptive, run_.ranks,
                                          [&](const Batch& b) { return stage1_adaptive_gradients(*g_.net, *d_.net, b.gt, options_); });
    std::vector<StepInputs> inputs;
    for (const Batch& b : batches) inputs.push_back({b.gt, b.gt, {}});
    const Values moved = update(n, iteration > options_.net_d_start_iter ? "with discriminator" : "", learn_g_,
                                {&learn_d_, d_.net.get(), options_.image.gan_kind}, inputs, [&](const StepInputs& in) {
                                  return stage1_generator_step(*g_.net, d_.net.get(), in.gt, iteration, options_);
                                });
    values.insert(values.end(), moved.begin(), moved.end());
    return values;
  }

  Saved save(const std::string& prefix) override {
    const EmaWeights averaged(learn_g_.ema());
    run_.save(prefix + "discriminator.safetensors", {kDiscriminatorKind, to_json(discriminator_args(run_.recipe))}, *d_.store,
              {{kCodebookKey, codebook_hash(*g_.store)}});
    return run_.save(prefix + "vqgan.safetensors", {kVqganKind, to_json(g_.net->args)}, *g_.store);
  }

  Values validate() override {
    const EmaWeights averaged(learn_g_.ema());
    const Reconstruction& r = run_.result.vqgan =
        validate_vqgan(*g_.net, *g_.store, *run_.data.validation, run_.judges.lpips, kSheetFaces, [&] { run_.poll(); });
    run_.say(fmt::format("stage 1: the codebook redraws held-out faces at {:.2f} dB PSNR, {:.3f} SSIM; {:.0f} of {} codes in use", r.quality.psnr,
                         r.quality.ssim, r.perplexity, g_.net->args.codebook_size));
    run_.log.picture("vqgan", r.sheet);
    Values values{{"psnr", r.quality.psnr}, {"ssim", r.quality.ssim}, {"perplexity", r.perplexity}};
    if (r.quality.lpips) values.emplace_back("lpips", *r.quality.lpips);
    return values;
  }

  std::string best_by() const override { return "psnr"; }

  std::vector<Learner*> learners() override { return {&learn_g_, &learn_d_}; }

 private:
  // On rank 0's pictures, for all.
  int64_t revive(const Tensor& images, int64_t n) const {
    Communicator& c = *run_.ranks.communicator();
    const int64_t moved = run_.ranks.writes() ? revive_codes(*g_.net, images, run_.recipe.seed, uint64_t(n)) : 0;
    c.broadcast(g_.net->quantize.embedding.weight.value());
    return c.agree(moved);
  }

  Vqgan g_;
  Critic d_;
  Learner learn_g_, learn_d_;
  Stage1Options options_;
};

}  // namespace

std::unique_ptr<Stage> make_stage1(Run& run) { return std::make_unique<Stage1>(run); }

}  // namespace kintsugi
