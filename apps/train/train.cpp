#include "apps/train/train.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "apps/cli/progress.h"
#include "apps/train/datasets.h"
#include "apps/train/learner.h"
#include "apps/train/run_log.h"
#include "autograd/finite_watch.h"
#include "data/image_file.h"
#include "data/loader.h"
#include "kernels/base/pattern.h"
#include "models/codeformer/stages.h"
#include "models/known_nets.h"
#include "models/losses/lpips.h"
#include "models/vqgan/revive.h"
#include "models/vqgan/stage.h"
#include "nn/checkpoint.h"

namespace kintsugi {
namespace {

using Values = std::vector<std::pair<std::string, double>>;

VqganArgs vqgan_args(const Recipe& r) {
  const ModelRecipe& m = r.model;
  VqganArgs a;
  a.img_size = r.data.size;
  a.nf = m.nf;
  a.ch_mult.assign(m.ch_mult.begin(), m.ch_mult.end());
  a.res_blocks = m.res_blocks;
  a.attn_resolutions.assign(m.attn_resolutions.begin(), m.attn_resolutions.end());
  a.codebook_size = m.codebook_size;
  a.emb_dim = m.emb_dim;
  a.norm_groups = m.norm_groups;
  a.beta = m.beta;
  a.beta_on = m.beta_on == "codebook" ? BetaOn::codebook : BetaOn::commitment;
  return a;
}

CodeFormerArgs codeformer_args(const Recipe& r) {
  CodeFormerArgs a;
  a.backbone = vqgan_args(r);
  a.dim_embd = r.model.dim_embd;
  a.n_head = r.model.n_head;
  a.n_layers = r.model.n_layers;
  const int64_t side = r.data.size >> (a.backbone.levels() - 1);
  a.latent_size = side * side;
  a.connect_list.assign(r.model.connect.begin(), r.model.connect.end());
  return a;
}

DiscriminatorArgs discriminator_args(const Recipe& r) { return {.nc = 3, .ndf = r.model.ndf, .n_layers = r.model.d_layers}; }

// A network with its store; modules keep handles into the store, so the two stay together.
template <class Net, class Args>
struct Built {
  std::shared_ptr<ParameterStore> store;
  std::shared_ptr<const Net> net;
  Built(const Args& args, uint64_t seed, Device device)
      : store(std::make_shared<ParameterStore>(StoreOptions{.seed = seed, .device = device})), net(std::make_shared<const Net>(store->root(), args)) {}
};
using Vqgan = Built<VQAutoEncoder, VqganArgs>;
using Former = Built<CodeFormer, CodeFormerArgs>;
using Critic = Built<Discriminator, DiscriminatorArgs>;

// A file that an earlier stage leaves in the run folder.
std::string predecessor(const Recipe& r, const std::string& file, int stage) {
  const std::string path = r.out + "/" + file;
  KIN_CHECK(std::filesystem::exists(path), path, ": missing; it is the result of stage ", stage, ", run that first");
  return path;
}

Vqgan frozen_vqgan(const Recipe& r, Device device) {
  Vqgan v(vqgan_args(r), r.seed, device);
  load_checkpoint(predecessor(r, "vqgan.safetensors", 1), kVqganKind, *v.store);
  v.store->freeze("*");
  v.store->eval();
  return v;
}

Former former_of_stage2(const Recipe& r, Device device) {
  Former net(codeformer_args(r), r.seed, device);
  load_checkpoint(predecessor(r, "codes.safetensors", 2), kCodeFormerKind, *net.store);
  return net;
}

Critic critic_of_stage1(const Recipe& r, Device device) {
  Critic d(discriminator_args(r), r.seed, device);
  load_checkpoint(predecessor(r, "discriminator.safetensors", 1), kDiscriminatorKind, *d.store);
  return d;
}

// Throws what the first stage would throw over its predecessors' files, before anything in the run folder is touched.
void check_predecessors(const Recipe& r, int first_stage) {
  if (first_stage >= 2) frozen_vqgan(r, {});
  if (first_stage == 3) former_of_stage2(r, {}), critic_of_stage1(r, {});
}

// The feature network of the perceptual loss; weights come from the person, never from us.
ImageLoss perceptual_loss(const Recipe& r, Device device) {
  if (r.perceptual == "none") return {};
  const KnownNet known = open_network(r.perceptual_weights, r.perceptual == "lpips" ? kLpipsKind : kVgg19Kind);
  auto store = std::make_shared<ParameterStore>(StoreOptions{.initialise = false, .device = device});
  ImageLoss loss;
  if (r.perceptual == "lpips") loss = LpipsLoss(store->root()).as_image_loss();
  else loss = PerceptualLoss(store->root(), {.range_norm = true}).as_image_loss();
  load_parameters(known.tensors, *store);
  store->freeze("*");
  return [store, loss](const Var& output, const Tensor& target) { return loss(output, target); };
}

class Training {
 public:
  Training(const Recipe& recipe, const TrainOptions& options)
      : r_(recipe), quiet_(options.quiet), device_(options.device), data_(make_datasets(recipe)), perceptual_(perceptual_loss(recipe, device_)),
        log_(recipe.out, resolved(recipe), options.first_stage > 1) {}

  TrainResult run(int first, int last) {
    if (first <= 1 && 1 <= last) stage1();
    if (first <= 2 && 2 <= last) stage2();
    if (first <= 3 && 3 <= last) stage3();
    return std::move(result_);
  }

 private:
  static constexpr int kSheetFaces = 8;

  void stage1() {
    Vqgan g(vqgan_args(r_), r_.seed, device_);
    Critic d(discriminator_args(r_), r_.seed, device_);
    Learner learn_g("stage1 generator", *g.store, r_.stage1), learn_d("stage1 discriminator", *d.store, r_.stage1);
    Stage1Options options;
    options.image.perceptual = perceptual_;
    options.image.gan_weight = r_.stage1.gan_weight;
    options.net_d_start_iter = r_.stage1.gan_start;
    const auto save_both = [&] {
      const EmaWeights averaged(learn_g.ema());
      save("discriminator.safetensors", {kDiscriminatorKind, to_json(discriminator_args(r_))}, *d.store);
      save("vqgan.safetensors", {kVqganKind, to_json(g.net->args)}, *g.store);
    };
    loop("stage1", r_.stage1, data_.clean, save_both, [&](int64_t step, const Batch& batch) {
      Values values;
      const StageRecipe& s = r_.stage1;
      if (s.revive_every > 0 && step < s.revive_until && step % s.revive_every == 0)
        values.emplace_back("revived", double(revive_codes(*g.net, batch.gt, r_.seed, uint64_t(step))));
      const StepReport report = generator(learn_g, step, values, [&] { return stage1_generator_step(*g.net, d.net.get(), batch.gt, step, options); });
      if (report.gan) discriminator(learn_d, *d.net, step, batch.gt, report.output, values);
      return values;
    });
    const EmaWeights averaged(learn_g.ema());
    result_.vqgan = validate_vqgan(*g.net, *g.store, *data_.validation, kSheetFaces);
    say("stage 1: the codebook redraws held-out faces at {:.2f} dB PSNR, {:.3f} SSIM; {:.0f} of {} codes in use", result_.vqgan.quality.psnr,
        result_.vqgan.quality.ssim, result_.vqgan.perplexity, r_.model.codebook_size);
    log_.write("stage1 validation", r_.stage1.steps,
               {{"psnr", result_.vqgan.quality.psnr}, {"ssim", result_.vqgan.quality.ssim}, {"perplexity", result_.vqgan.perplexity}});
    write_image(log_.path("vqgan.png"), result_.vqgan.sheet);
  }

  void stage2() {
    const Vqgan vqgan = frozen_vqgan(r_, device_);
    const Former net(codeformer_args(r_), r_.seed, device_);
    // Encoder, codebook and generator go on from stage I under the same names.
    for (const auto& e : vqgan.store->entries()) net.store->at(e.name).value().copy_(e.value());
    freeze_codebook_and_generator(*net.store);
    Learner learn("stage2", *net.store, r_.stage2);
    const auto save_codes = [&] { save_codeformer("codes.safetensors", net, learn.ema()); };
    loop("stage2", r_.stage2, data_.degraded, save_codes, [&](int64_t step, const Batch& batch) {
      const Tensor target = vqgan.net->codes(batch.gt);
      Values values;
      generator(learn, step, values, [&] { return stage2_step(*net.net, batch.lq, target); });
      return values;
    });
    const EmaWeights averaged(learn.ema());
    measure("stage2", net, vqgan, {0}, "codes.png");
  }

  void stage3() {
    const Vqgan vqgan = frozen_vqgan(r_, device_);
    const Former net = former_of_stage2(r_, device_);
    freeze_codebook_and_generator(*net.store);
    if (!r_.stage3.fix_generator) net.store->unfreeze("generator.*");
    if (r_.stage3.fix_transformer)
      for (const char* part : {"encoder.*", "position_emb", "feat_emb.*", "ft_layers.*", "idx_pred_layer.*"}) net.store->freeze(part);
    if (r_.stage3.zero_start)
      for (const auto& e : net.store->entries())
        if (matches_pattern(e.name, "fuse_convs_dict.*.scale.2.*") || matches_pattern(e.name, "fuse_convs_dict.*.shift.2.*")) e.value().fill_(0);
    const Critic d = critic_of_stage1(r_, device_);
    Learner learn("stage3 codeformer", *net.store, r_.stage3), learn_d("stage3 discriminator", *d.store, r_.stage3);
    JointOptions options;
    options.image.perceptual = perceptual_;
    options.image.gan_weight = r_.stage3.gan_weight;
    options.generator_is_frozen = r_.stage3.fix_generator;
    if (r_.stage3.fix_transformer) options.tokens = {.feature_weight = 0, .entropy_weight = 0};
    const auto save_result = [&] { save_codeformer("codeformer.safetensors", net, learn.ema()); };
    loop("stage3", r_.stage3, data_.degraded, save_result, [&](int64_t step, const Batch& batch) {
      const Tensor target = r_.stage3.fix_transformer ? Tensor() : vqgan.net->codes(batch.gt);
      const Discriminator* critic = step >= r_.stage3.gan_start ? d.net.get() : nullptr;
      Values values;
      const StepReport report =
          generator(learn, step, values, [&] { return joint_generator_step(*net.net, critic, batch.lq, batch.gt, target, r_.stage3.w, options); });
      if (report.gan) discriminator(learn_d, *d.net, step, batch.gt, report.output, values);
      return values;
    });
    const EmaWeights averaged(learn.ema());
    measure("stage3", net, vqgan, {0, 0.5, 1}, "sheet.png");
  }

  // Draws batches, runs the step, writes its values and moves the progress bar; saves every so many steps and at the end.
  template <class Save, class Step>
  void loop(const std::string& stage, const StageRecipe& s, const DatasetPtr& data, Save&& save, Step&& step) {
    Loader loader(data, {.batch = s.batch, .threads = r_.data.workers, .seed = r_.seed});
    Progress progress(stage, s.steps, quiet_);
    for (int64_t n = 0; n < s.steps; ++n) {
      Batch batch = loader.next();
      const bool degraded = !batch.lq.shares_memory_with(batch.gt);
      batch.gt = batch.gt.to(device_);
      batch.lq = degraded ? batch.lq.to(device_) : batch.gt;
      const Values values = step(n, batch);
      log_.write(stage, n, values);
      std::string note;
      for (size_t i = 0; i < values.size() && i < 4; ++i) note += fmt::format("{} {:.4f}  ", values[i].first, values[i].second);
      progress.update(n + 1, note);
      if (s.save_every > 0 && (n + 1) % s.save_every == 0 && n + 1 < s.steps) save();
    }
    save();
  }

  template <class Compute>
  static StepReport generator(Learner& learn, int64_t step, Values& values, Compute&& compute) {
    StepReport report;
    const double norm = learn.step(step, [&] { return report = compute(); });
    values.insert(values.end(), report.losses.begin(), report.losses.end());
    values.insert(values.end(), {{"grad_norm", norm}, {"lr", learn.rate(step)}});
    return report;
  }

  static void discriminator(Learner& learn, const Discriminator& d, int64_t step, const Tensor& real, const Tensor& fake, Values& values) {
    StepReport report;
    learn.step(step, [&] {
      report = {};
      discriminator_step(d, real, fake, GanKind::hinge, report);
      return report;
    });
    values.insert(values.end(), report.losses.begin(), report.losses.end());
  }

  void measure(const std::string& stage, const Former& net, const Vqgan& vqgan, const std::vector<double>& ws, const std::string& sheet) {
    Validation& v = result_.validation = validate(*net.net, *net.store, *vqgan.net, *data_.validation, ws, kSheetFaces);
    Values values{{"psnr_degraded", v.degraded.psnr}, {"ssim_degraded", v.degraded.ssim}, {"code_accuracy", v.code_accuracy}, {"nearest_accuracy", v.nearest_accuracy}};
    for (size_t i = 0; i < ws.size(); ++i) {
      values.emplace_back(fmt::format("psnr_w{}", ws[i]), v.restored[i].psnr);
      values.emplace_back(fmt::format("ssim_w{}", ws[i]), v.restored[i].ssim);
    }
    log_.write(stage + " validation", 0, values);
    write_image(log_.path(sheet), v.sheet);
    say("{}: {:.1f}% of the clean faces' codes predicted ({:.1f}% by nearest neighbour)", stage, 100 * v.code_accuracy, 100 * v.nearest_accuracy);
  }

  void save_codeformer(const std::string& name, const Former& net, Ema& ema) {
    const EmaWeights averaged(ema);
    save(name, {kCodeFormerKind, to_json(net.net->args)}, *net.store);
  }

  void save(const std::string& name, const CheckpointInfo& info, const ParameterStore& store) {
    for (const auto& e : store.entries())
      if (!all_finite(e.value()))
        throw NotFiniteError(text(log_.path(name), ": not written, for ", e.name, " is not finite"));
    result_.checkpoint = log_.path(name);
    result_.hash = store.state_hash();
    save_checkpoint(result_.checkpoint, info, {{"", &store}});
  }

  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (!quiet_) fmt::print(stderr, format, std::forward<Args>(args)...), std::fputc('\n', stderr);
  }

  const Recipe& r_;
  bool quiet_;
  Device device_;
  TrainingData data_;
  ImageLoss perceptual_;
  RunLog log_;  // behind what may still refuse the recipe: a refused one leaves the run folder alone
  TrainResult result_;
};

}  // namespace

TrainResult train(const Recipe& recipe, const TrainOptions& options) {
  check_predecessors(recipe, options.first_stage);
  return Training(recipe, options).run(options.first_stage, options.last_stage);
}

}  // namespace kintsugi
