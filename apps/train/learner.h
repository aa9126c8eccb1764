// One network and all that trains it: optimiser, schedule, moving average, and the guard against numbers that are not finite.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/train/recipe.h"
#include "models/losses/image_objective.h"
#include "nn/scope.h"
#include "optim/ema.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace kintsugi {

/// Thrown when a loss or a gradient is not finite. The parameters are still those of the step before.
struct NotFiniteError : Error {
  using Error::Error;
};

class Learner {
 public:
  /// Trains what is trainable in `store` now. `name` stands in messages ("stage1 generator"), `prefix` before its tensors in a training
  /// state ("g.").
  Learner(std::string name, std::string prefix, ParameterStore& store, const StageRecipe& recipe);

  /// Learning rate of step n = 0, 1, ...
  double rate(int64_t step) const { return schedule_(step); }

  struct Taken {
    std::vector<StepReport> reports;  // one per micro-batch
    double grad_norm;                 // of their mean gradient, before clipping
  };
  /// One step: zeroes the gradients, runs compute(0), compute(1), ... (forward and backward of each micro-batch), updates weights and
  /// average along the mean gradient. When a loss or the norm is not finite, nothing is updated: all of it runs once more under a
  /// FiniteWatch, and NotFiniteError names the first tensor that was not finite, its layer and the step.
  Taken step(int64_t step, size_t micro_batches, const std::function<StepReport(size_t)>& compute);

  const std::string& name() const { return name_; }
  const std::string& prefix() const { return prefix_; }
  ParameterStore& store() { return store_; }
  Optimizer& optimizer() { return adam_; }
  Ema& ema() { return ema_; }

 private:
  std::string name_, prefix_;
  ParameterStore& store_;
  double clip_;
  Schedule schedule_;
  Adam adam_;
  Ema ema_;
};

/// Each loss, averaged over the micro-batches.
std::vector<std::pair<std::string, double>> mean_losses(const std::vector<StepReport>& reports);

}  // namespace kintsugi
