#include "apps/train/train.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/train/handover.h"
#include "apps/train/loop.h"
#include "kernels/base/parallel.h"
#include "tensor/atomic_file.h"

namespace kintsugi {
namespace {

constexpr std::unique_ptr<Stage> (*kMakeStage[])(Run&) = {make_stage1, make_stage2, make_stage3};

const StageRecipe& stage_recipe(const Recipe& r, int number) { return number == 1 ? r.stage1 : number == 2 ? r.stage2 : r.stage3; }

// One entry of run.json per stage, those of other stages stay.
void note_start(const Run& run, int number, const Inputs& inputs) {
  const std::string path = run.log.path("run.json");
  nlohmann::ordered_json notes;
  if (std::ifstream file(path); file) notes = nlohmann::ordered_json::parse(file, nullptr, false);
  if (!notes.is_object()) notes = nlohmann::ordered_json::object();
  notes[text("stage", number)] = {{"version", KIN_VERSION}, {"device", text(run.device)}, {"threads", threads()},
                                  {"ranks", run.ranks.size()}, {"seed", run.recipe.seed}, {"inputs", inputs}};
  const std::string content = notes.dump(2) + "\n";
  write_file(path, content.data(), content.size());
}

// An unfinished run is lost only when asked for.
void check_nothing_is_lost(const StateFolder& states, const std::string& folder, int first_stage) {
  const auto newest = states.newest(first_stage, std::numeric_limits<int>::max());
  if (!newest) return;
  const Position& at = newest->manifest.position;
  if (!at.run_finished())
    throw UsageError(text(folder, ": holds an unfinished run (stage ", at.stage, ", step ", at.step, " of ", at.steps,
                          "); --resume goes on with it, --overwrite starts anew"));
}

}  // namespace

TrainResult train(const Recipe& recipe, const TrainOptions& options) {
  if (recipe.compute == "bf16" && options.device.kind == DeviceKind::cpu)
    throw UsageError("compute = \"bf16\" needs a device with kernels for it, --device cuda or sim, got cpu");
  if (recipe.record == "on" && options.device.kind == DeviceKind::cpu)
    throw UsageError("record = \"on\" needs a device that records work, --device cuda or sim, got cpu");
  const StateFolder states(recipe.out);
  const auto saved = options.resume ? states.newest(options.first_stage, options.last_stage) : std::nullopt;
  const int first = saved ? saved->manifest.position.stage : options.first_stage;
  // All that may refuse the run comes before the run folder is touched.
  if (!saved && !options.overwrite) check_nothing_is_lost(states, recipe.out, first);
  if (!saved && !recipe.from.empty() && first == 1)
    throw UsageError(text("from = \"", recipe.from, "\": stage 1 starts from nothing; choose --stage 2 or --stage 3"));
  const std::string source = saved || recipe.from.empty() ? recipe.out : recipe.from;
  if (saved) {
    check_same_ranks(saved->manifest.position.ranks, options.communicator->size(), recipe.out);
    check_same_recipe(saved->manifest.recipe, resolved(recipe), recipe.out);
  }
  check_predecessors(recipe, source, first);
  TrainingData data = make_datasets(recipe);
  Inputs inputs;
  if (saved) {
    inputs = input_hashes(recipe, first, data);
    check_same_inputs(saved->manifest.inputs, inputs, recipe.out);
  }

  Run run(recipe, options, std::move(data), saved ? saved->manifest.position.metrics_bytes : std::numeric_limits<int64_t>::max());
  run.ranks.first([&] {
    run.states.sweep();
    if (saved) return;
    run.states.forget(first);
    run.log.forget(first);
    if (source != recipe.out) copy_predecessors(source, recipe.out, first);
  });
  if (options.resume && !saved) run.say(recipe.out + ": holds no training state yet; starting");
  try {
    for (int number = first; number <= options.last_stage; ++number) {
      const SavedState* from = saved && number == first ? &*saved : nullptr;
      const bool done = from && from->manifest.position.validated && from->manifest.position.step >= stage_recipe(recipe, number).steps;
      if (done && number < options.last_stage) continue;
      if (!from) inputs = input_hashes(recipe, number, run.data);
      run.ranks.first([&] { note_start(run, number, inputs); });
      const std::unique_ptr<Stage> stage = kMakeStage[number - 1](run);
      train_stage(run, *stage, inputs, from);
    }
  } catch (const StopRequested&) {
    run.result.stopped = true;
  }
  return std::move(run.result);
}

}  // namespace kintsugi
