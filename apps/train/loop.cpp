#include "apps/train/loop.h"

#include <fmt/format.h>

#include "apps/watch/dead_stage.h"
#include "apps/watch/health.h"
#include "autograd/ops/batch_norm.h"
#include "data/loader.h"
#include "kernels/base/elapsed.h"
#include "kernels/base/proc.h"
#include "tensor/storage.h"

namespace kintsugi {
namespace {

constexpr size_t kShownValues = 4;  // behind the progress bar

Batch on_device(Batch batch, Device device) {
  const bool degraded = !batch.lq.shares_memory_with(batch.gt);
  batch.gt = batch.gt.to(device);
  batch.lq = degraded ? batch.lq.to(device) : batch.gt;
  return batch;
}

class Loop {
 public:
  Loop(Run& run, Stage& stage, const Inputs& inputs, Position at)
      : run_(run), stage_(stage), s_(stage.recipe()), inputs_(inputs), at_(std::move(at)),
        loader_(stage.data(), {.batch = s_.batch, .threads = run.recipe.data.workers, .seed = run.recipe.seed, .first_batch = at_.step * s_.accumulate,
                               .rank = run.ranks.rank(), .world = run.ranks.size(),
                               .choose = [this](int64_t batch) -> const Dataset& { return stage_.data_of(batch / s_.accumulate); }}),
        health_(run.recipe.model.codebook_size, run.recipe.watch.window, s_.steps), dead_(run.recipe.watch, run.recipe.model.codebook_size),
        progress_(stage.name(), s_.steps, run.options.quiet, at_.step) {
    run_.progress = &progress_;
  }
  ~Loop() { run_.progress = nullptr; }

  void run() {
    if (at_.step >= s_.steps && at_.validated) {  // nothing is left to do but to say what came out
      note_result();
      stage_.validate();
      return;
    }
    try {
      for (;;) {
        if (!at_.validated && validation_is_due()) validate();
        if (at_.step >= s_.steps) break;
        run_.poll();
        step();
        if (s_.save_every > 0 && at_.step % s_.save_every == 0 && at_.step < s_.steps) save_state(), stage_.save("");
      }
    } catch (const StopRequested&) {
      save_state();
      throw;
    }
    save_state();
  }

  /// Where the run stands, on disk, unless it is there already.
  std::filesystem::path save_state() {
    if (saved_.empty()) {
      for (const Learner* learner : stage_.learners()) learner->synchronise();
      at_.steps = s_.steps;
      at_.ranks = run_.ranks.size();
      at_.metrics_bytes = run_.log.flushed_bytes();
      at_.cursor = loader_.cursor();
      saved_ = run_.states.path_of(at_);
      run_.ranks.first([&] { run_.states.save({at_, resolved(run_.recipe), inputs_}, stage_.learners(), run_.recipe.keep_last); });
    }
    return saved_;
  }

 private:
  bool validation_is_due() const {
    return at_.step >= s_.steps || (s_.validate_every > 0 && at_.step > 0 && at_.step % s_.validate_every == 0);
  }

  void step() {
    const Elapsed time;
    const double waited_before = loader_.times().waiting;
    std::vector<Batch> batches;
    for (int i = 0; i < s_.accumulate; ++i) {
      batches.push_back(on_device(loader_.next(), run_.device));
      run_.ranks.communicator()->pulse();
    }
    const double waited = loader_.times().waiting - waited_before;
    std::optional<SyncBatchNorm> sync;
    if (run_.recipe.sync_batch_norm) sync.emplace(run_.ranks.communicator());
    Values values = stage_.step(at_.step, batches);
    sync.reset();
    run_.ranks.average(values);
    const Learner::Shown& shown = stage_.learners().front()->shown();
    std::vector<int64_t> codes;
    for (const Tensor& t : shown.codes) {
      const Tensor here = t.host();
      codes.insert(codes.end(), here.span<int64_t>().begin(), here.span<int64_t>().end());
    }
    codes = run_.ranks.gather(codes);  // so that all of them find the same stage dead
    health_.add({values, shown.module_norms, codes, int64_t(s_.batch) * s_.accumulate * run_.ranks.size(), time.seconds(), waited});
    run_.log.write(stage_.name(), at_.step, values);
    ++at_.step;
    at_.validated = false;
    saved_.clear();
    if (at_.step % run_.recipe.watch.window == 0 || at_.step == s_.steps) write_health(shown);
    std::string note;
    for (size_t i = 0; i < std::min(values.size(), kShownValues); ++i) note += fmt::format("{} {:.4f}  ", values[i].first, values[i].second);
    progress_.update(at_.step, note, [&] { return panel(health_.values(at_.step, memory()), run_.recipe.model.codebook_size); });
    for (const std::string& reason : dead_.observe(values, health_.settled_perplexity())) tell_dead(reason);
  }

  MemorySeen memory() const { return {allocator_stats(run_.device).peak_bytes, peak_memory()}; }

  void write_health(const Learner::Shown& shown) {
    Summary summary;
    if (!health_.codes().empty()) summary.histogram("health/code_use", health_.codes().use());
    summary.histogram("health/gradients", shown.tensor_norms);
    run_.log.write(stage_.name() + " health", at_.step - 1, health_.values(at_.step, memory()), std::move(summary));
  }

  void tell_dead(const std::string& reason) {
    const std::string where = fmt::format("{}, step {}: {}", stage_.name(), at_.step - 1, reason);
    if (run_.recipe.watch.on_dead == "stop") {
      save_state();
      throw DeadStageError(where + "; watch.on_dead = \"stop\" ends the run. Its state is saved: --resume --set watch.on_dead=warn goes on");
    }
    if (run_.ranks.writes()) progress_.say("warning: " + where);
  }

  void validate() {
    if (at_.step >= s_.steps) note_result();
    stage_.let_go();
    const Values values = stage_.validate();
    run_.log.write(text(stage_.name(), ' ', kValidation), at_.step, values);
    at_.validated = true;
    const auto before = std::exchange(saved_, {});
    if (s_.validate_every > 0) keep_if_best(values, before);
  }

  void note_result() {
    const Saved result = stage_.save("");
    run_.result.checkpoint = result.path;
    run_.result.hash = result.hash;
  }

  // `before`: this step's state without its validation, where there is one: it will do, for who goes on from it validates again.
  void keep_if_best(const Values& values, const std::filesystem::path& before) {
    for (const auto& [name, value] : values) {
      if (name != stage_.best_by() || (at_.best && value <= at_.best->value)) continue;
      at_.best = Best{name, value, at_.step};
      const auto state = before.empty() ? save_state() : before;
      run_.ranks.first([&] { run_.states.keep_as_best(state, at_.stage); });
      stage_.save("best-");
    }
  }

  Run& run_;
  Stage& stage_;
  const StageRecipe& s_;
  const Inputs& inputs_;
  Position at_;
  std::filesystem::path saved_;  // the file of this position; empty: not saved yet
  Loader loader_;
  Health health_;
  DeadStage dead_;
  Progress progress_;
};

}  // namespace

void train_stage(Run& run, Stage& stage, const Inputs& inputs, const SavedState* saved) {
  Position at{.stage = stage.number(), .last_stage = run.options.last_stage, .best = {}};
  if (saved) {
    load_state(saved->path, stage.learners());
    at = saved->manifest.position;
    at.last_stage = run.options.last_stage;
    run.say(fmt::format("{}: goes on behind step {} of {}", stage.name(), at.step, stage.recipe().steps));
  }
  run.log.begin_stage(stage.name(), at.step, at.validated);
  Loop loop(run, stage, inputs, at);
  if (!saved) loop.save_state();
  loop.run();
}

}  // namespace kintsugi
