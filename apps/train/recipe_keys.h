// One list of all keys of a recipe with what each may be, visited once to read and once to write.
#pragma once
#include <string>
#include <vector>

#include "apps/train/recipe.h"
#include "models/codeformer/codeformer.h"

namespace kintsugi {

using Words = std::vector<std::string>;
inline constexpr double kAny = 1e30;
inline constexpr int kAnyCount = 1 << 30;

template <class Visitor>
void visit_degradation(const std::string& table, DegradeOptions& d, Visitor& v) {
  const auto key = [&](const char* k) { return table + "." + k; };
  v(key("kernel_size"), d.kernel_size, 1, 127);
  v(key("isotropic_probability"), d.isotropic_probability, 0.0, 1.0);
  v(key("blur_sigma"), d.blur_sigma, 0.0, 100.0);
  v(key("downsample"), d.downsample, 1.0, 100.0);
  v(key("noise"), d.noise, 0.0, 255.0);
  v(key("jpeg_quality"), d.jpeg_quality, 1.0, 100.0);
  v(key("colour_shift_probability"), d.colour_shift_probability, 0.0, 1.0);
  v(key("colour_shift"), d.colour_shift, 0.0, 255.0);
  v(key("grey_probability"), d.grey_probability, 0.0, 1.0);
  v(key("colour_jitter_probability"), d.colour_jitter_probability, 0.0, 1.0);
}

template <class Visitor>
void visit_data(Recipe& r, Visitor& v) {
  v("data.source", r.data.source);
  v("data.index", r.data.index);
  v("data.holdout", r.data.holdout, 0.0, 0.9);
  v("data.size", r.data.size, 16, 2048);
  v("data.identities", r.data.identities, 1, kAnyCount);
  v("data.validation", r.data.validation, 1, 100000);
  v("data.hflip", r.data.hflip);
  v("data.enlarge", r.data.enlarge, 1, 100000);
  v("data.workers", r.data.workers, 1, 256);
  v("data.corrupt", r.data.corrupt, Words{"degrade", "strokes"});

  visit_degradation("degrade", r.data.degrade, v);
  visit_degradation("degrade_small", r.data.degrade_small, v);
  StrokeOptions& s = r.data.strokes;
  v("strokes.most_strokes", s.most_strokes, 1, 100);
  v("strokes.least_corners", s.least_corners, 1, 1000);
  v("strokes.most_corners", s.most_corners, 1, 1000);
  v("strokes.least_width", s.least_width, 1.0, 512.0);
  v("strokes.most_width", s.most_width, 1.0, 512.0);
}

template <class Visitor>
void visit_model(ModelRecipe& m, Visitor& v) {
  v("model.nf", m.nf, 1, 4096);
  v("model.ch_mult", m.ch_mult, 1, 64);
  v("model.res_blocks", m.res_blocks, 1, 16);
  v("model.attn_resolutions", m.attn_resolutions, 1, 4096);
  v("model.codebook_size", m.codebook_size, 2, 1 << 20);
  v("model.emb_dim", m.emb_dim, 1, 8192);
  v("model.norm_groups", m.norm_groups, 1, 1024);
  v("model.beta", m.beta, 0.0, 100.0);
  v("model.beta_on", m.beta_on, Words{"codebook", "commitment"});
  v("model.dim_embd", m.dim_embd, 1, 8192);
  v("model.n_head", m.n_head, 1, 256);
  v("model.n_layers", m.n_layers, 1, 128);
  v("model.connect", m.connect, 1, 4096);
  v("model.ndf", m.ndf, 1, 1024);
  v("model.d_layers", m.d_layers, 1, 8);
}

template <class Visitor>
void visit_watch(WatchOptions& w, Visitor& v) {
  v("watch.window", w.window, 1, kAnyCount);
  v("watch.lpips_weights", w.lpips_weights);
  v("watch.on_dead", w.on_dead, Words{"warn", "stop"});
  v("watch.dead_steps", w.dead_steps, 1, kAnyCount);
  v("watch.dead_perplexity", w.dead_perplexity, 0.0, 1.0);
  v("watch.dead_loss", w.dead_loss, 0.0, kAny);
  v("watch.dead_logits", w.dead_logits, 0.0, kAny);
  v("watch.dead_adaptive", w.dead_adaptive);
}

template <class Visitor>
void visit_stage(int stage, StageRecipe& s, Visitor& v) {
  const auto key = [&](const char* k) { return "stage" + std::to_string(stage) + "." + k; };
  v(key("steps"), s.steps, 0, kAnyCount);
  v(key("batch"), s.batch, 1, 4096);
  v(key("accumulate"), s.accumulate, 1, 1 << 20);
  v(key("recompute"), s.recompute);
  v(key("save_every"), s.save_every, 0, kAnyCount);
  v(key("validate_every"), s.validate_every, 0, kAnyCount);

  // No upper limit that would be a guess: a rate that is too high ends as a number that is not finite, which stops the run.
  v(key("lr"), s.lr, 0.0, kAny);
  v(key("lr_end"), s.lr_end, 0.0, kAny);
  v(key("schedule"), s.schedule, Words{"cosine", "multistep", "constant"});
  v(key("periods"), s.periods, 1, kAnyCount);
  v(key("period_weights"), s.period_weights, 0.0, kAny);
  v(key("milestones"), s.milestones, 1, kAnyCount);
  v(key("gamma"), s.gamma, 0.0, 1.0);
  v(key("warmup"), s.warmup, 0, kAnyCount);
  v(key("beta1"), s.beta1, 0.0, 0.9999999);
  v(key("beta2"), s.beta2, 0.0, 0.9999999);
  v(key("weight_decay"), s.weight_decay, 0.0, kAny);
  v(key("ema"), s.ema, 0.0, 0.9999999);
  v(key("clip"), s.clip, 0.0, kAny);

  if (stage != 2) {
    v(key("pixel_weight"), s.pixel_weight, 0.0, kAny);
    v(key("perceptual_weight"), s.perceptual_weight, 0.0, kAny);
    v(key("gan"), s.gan, Words{"hinge", "vanilla", "lsgan", "wgan", "wgan_softplus"});
    v(key("gan_start"), s.gan_start, 0, kAnyCount);
    v(key("gan_weight"), s.gan_weight, 0.0, 100.0);
    v(key("adaptive_weight"), s.adaptive_weight);
    v(key("adaptive_max"), s.adaptive_max, 0.0, kAny);
    v(key("lr_d"), s.lr_d, 0.0, kAny);
  }
  if (stage == 1) {
    v(key("codebook_weight"), s.codebook_weight, 0.0, kAny);
    v(key("revive_every"), s.revive_every, 0, kAnyCount);
    v(key("revive_until"), s.revive_until, 0, kAnyCount);
  } else {
    v(key("feature_weight"), s.feature_weight, 0.0, kAny);
    v(key("entropy_weight"), s.entropy_weight, 0.0, kAny);
    v(key("freeze"), s.freeze, kFreezableParts);
  }
  if (stage == 3) {
    v(key("grows_from"), s.grows_from, Words{"stage2", "stage1"});
    v(key("discriminator"), s.discriminator, Words{"stage1", "new"});
    v(key("detach_16"), s.detach_16);
    v(key("zero_start"), s.zero_start);
    v(key("phase_ends"), s.phase_ends, 1, kAnyCount);
    v(key("phase_w"), s.phase_w, 0.0, 10.0);
    v(key("phase_small_every"), s.phase_small_every, 0, kAnyCount);
  }
}

template <class Visitor>
void visit(Recipe& r, Visitor& v) {
  v("name", r.name);
  v("out", r.out);
  v("from", r.from);
  v("stages", r.stages, 1, 3);
  v("seed", r.seed);
  v("perceptual", r.perceptual, Words{"none", "vgg19", "lpips"});
  v("perceptual_weights", r.perceptual_weights);
  v("perceptual_distance", r.perceptual_distance, Words{"l1", "mse", "fro"});
  v("perceptual_input_norm", r.perceptual_input_norm);
  v("sync_batch_norm", r.sync_batch_norm);
  v("compute", r.compute, Words{"f32", "bf16"});
  v("record", r.record, Words{"auto", "on", "off"});
  v("keep_last", r.keep_last, 1, 1000);
  v("cache_codes", r.cache_codes);
  v("adain", r.adain);
  visit_data(r, v);
  visit_model(r.model, v);
  visit_watch(r.watch, v);
  visit_stage(1, r.stage1, v);
  visit_stage(2, r.stage2, v);
  visit_stage(3, r.stage3, v);
}

}  // namespace kintsugi
