// What the stages of a run share: recipe, data, run folder, and the result so far.
#pragma once
#include <exception>
#include <string>

#include "apps/cli/progress.h"
#include "apps/train/datasets.h"
#include "apps/train/nets.h"
#include "apps/train/ranks.h"
#include "apps/train/run_log.h"
#include "apps/train/state.h"
#include "apps/train/train.h"
#include "nn/checkpoint.h"

namespace kintsugi {

/// Thrown where the run was asked to stop; the loop saves a state and passes it on.
struct StopRequested : std::exception {
  const char* what() const noexcept override { return "asked to stop"; }
};

/// A network's file.
struct Saved {
  std::string path;
  uint64_t hash = 0;  // of the weights
};

struct Run {
  /// `keep_metrics`: bytes of metrics.jsonl that stay. Throws Error as image_judges and RunLog do.
  Run(const Recipe& recipe, const TrainOptions& options, TrainingData data, int64_t keep_metrics);

  /// Writes a network as a checkpoint into the run folder, on rank 0. Throws NotFiniteError, and writes nothing, when a number in it is not finite.
  Saved save(const std::string& name, const CheckpointInfo& info, const ParameterStore& store, const Metadata& more = {}) const;

  /// Throws StopRequested, on all ranks, when one of them was asked to stop. To be called in every loop, as often on each rank.
  void poll() const;

  /// A line on stderr, unless quiet.
  void say(const std::string& line) const;

  const Recipe& recipe;
  const TrainOptions& options;
  Device device;
  Ranks ranks;
  TrainingData data;
  ImageJudges judges;
  RunLog log;  // behind what may still refuse the recipe: a refused one leaves the run folder alone
  StateFolder states;
  TrainResult result;
  Progress* progress = nullptr;  // the bar that lines must not run into
};

}  // namespace kintsugi
