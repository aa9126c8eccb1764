// One network and all that trains it: optimiser, schedule, moving average, and the guard against numbers that are not finite.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "apps/train/ranks.h"
#include "apps/train/recipe.h"
#include "apps/watch/values.h"
#include "models/losses/image_objective.h"
#include "nn/data_parallel.h"
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
  /// state ("g."). `lr` is the recipe's, or the discriminator's own. All ranks start from rank 0's weights.
  Learner(std::string name, std::string prefix, ParameterStore& store, const StageRecipe& recipe, double lr, const Ranks& ranks);

  /// Learning rate of step n = 0, 1, ...
  double rate(int64_t step) const { return schedule_(step); }

  /// What the last step shows to those who watch.
  struct Shown {
    std::vector<Tensor> codes;         // per micro-batch of this rank, where there are any
    Values module_norms;               // of the mean gradient, before clipping, by the first part of the parameters' names
    std::vector<double> tensor_norms;  // the same of every parameter
  };

  using Compute = std::function<StepReport(size_t micro_batch)>;
  /// The first half of a step: zeroes the gradients and runs compute(0), compute(1), ..., forward and backward of each micro-batch, in which
  /// backward() is called `passes` times. The sum of gradients over micro-batches and ranks is on its way when it returns, so other work may be
  /// done meanwhile. One report per micro-batch of this rank.
  std::vector<StepReport> compute(size_t micro_batches, int passes, const Compute& compute);
  /// The second half: updates weights and average along the mean gradient, and returns its norm before clipping. When a loss or the norm is not
  /// finite, nothing is updated: all of it runs once more under a FiniteWatch, and NotFiniteError names the first tensor that was not finite, its
  /// layer, the step and, of several, the rank.
  double update(int64_t step);

  /// Buffers become rank 0's. Throws Error when weights are not the same bits on all ranks.
  void synchronise() const;

  const Shown& shown() const { return shown_; }
  const std::string& name() const { return name_; }
  const std::string& prefix() const { return prefix_; }
  ParameterStore& store() { return store_; }
  Optimizer& optimizer() { return adam_; }
  Ema& ema() { return ema_; }

 private:
  [[noreturn]] void fail_not_finite(int64_t step, const std::string& bad);

  std::string name_, prefix_;
  ParameterStore& store_;
  Ranks ranks_;
  DataParallel parallel_;
  double clip_;
  Schedule schedule_;
  Adam adam_;
  Ema ema_;
  Shown shown_;
  Compute compute_;  // of the step under way
  std::vector<StepReport> reports_;
};

/// Each loss, averaged over the micro-batches.
std::vector<std::pair<std::string, double>> mean_losses(const std::vector<StepReport>& reports);

}  // namespace kintsugi
