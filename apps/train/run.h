// What the stages of a run share: recipe, data, run folder, and the result so far.
#pragma once
#include <fmt/format.h>

#include <cstdio>

#include "apps/train/datasets.h"
#include "apps/train/run_log.h"
#include "apps/train/train.h"
#include "models/losses/perceptual.h"
#include "nn/checkpoint.h"

namespace kintsugi {

struct Run {
  /// Throws Error as make_datasets, perceptual_loss and RunLog do.
  Run(const Recipe& recipe, const TrainOptions& options);

  /// Writes a network as a checkpoint into the run folder and notes it in the result. Throws NotFiniteError, and writes nothing, when
  /// a number in it is not finite.
  void save(const std::string& name, const CheckpointInfo& info, const ParameterStore& store);

  /// A line on stderr, unless quiet.
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (!quiet) fmt::print(stderr, format, std::forward<Args>(args)...), std::fputc('\n', stderr);
  }

  const Recipe& recipe;
  bool quiet;
  Device device;
  TrainingData data;
  ImageLoss perceptual;
  RunLog log;  // behind what may still refuse the recipe: a refused one leaves the run folder alone
  TrainResult result;
};

}  // namespace kintsugi
