#include "apps/train/loop.h"

#include "apps/cli/progress.h"
#include "data/loader.h"

namespace kintsugi {
namespace {

constexpr size_t kShownValues = 4;  // behind the progress bar

Batch on_device(Batch batch, Device device) {
  const bool degraded = !batch.lq.shares_memory_with(batch.gt);
  batch.gt = batch.gt.to(device);
  batch.lq = degraded ? batch.lq.to(device) : batch.gt;
  return batch;
}

}  // namespace

void train_stage(Run& run, Stage& stage) {
  const StageRecipe& s = stage.recipe();
  Loader loader(stage.data(), {.batch = s.batch, .threads = run.recipe.data.workers, .seed = run.recipe.seed});
  {
    Progress progress(stage.name(), s.steps, run.quiet);
    for (int64_t n = 0; n < s.steps; ++n) {
      const Batch batch = on_device(loader.next(), run.device);
      const Values values = stage.step(n, {&batch, 1});
      run.log.write(stage.name(), n, values);
      std::string note;
      for (size_t i = 0; i < std::min(values.size(), kShownValues); ++i) note += fmt::format("{} {:.4f}  ", values[i].first, values[i].second);
      progress.update(n + 1, note);
      if (s.save_every > 0 && (n + 1) % s.save_every == 0 && n + 1 < s.steps) stage.save();
    }
  }
  stage.save();
  run.log.write(stage.name() + " validation", s.steps, stage.validate());
}

}  // namespace kintsugi
