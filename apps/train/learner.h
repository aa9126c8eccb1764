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

  // A step is prepare, compute, queue, finish. The two between only queue work on the device and may be recorded (recorded_step.h).

  /// Brings to the device what differs from step to step: the rates of step n.
  void prepare(int64_t step);

  using Compute = std::function<StepReport(size_t micro_batch)>;
  /// Zeroes the gradients and runs compute(0), compute(1), ..., forward and backward of each micro-batch, in which backward() is called `passes`
  /// times. The sum of gradients over micro-batches and ranks is on its way when it returns, so other work may be done meanwhile. One report per
  /// micro-batch of this rank.
  std::vector<StepReport> compute(size_t micro_batches, int passes, const Compute& compute);

  /// A step that is queued.
  struct Queued {
    std::vector<StepReport> reports;
    Tensor numbers;             // f64: a StepVerdict, all losses of all reports, each parameter's sum of squares
    std::vector<size_t> moved;  // parameters that are updated
  };
  /// Queues the update of weights and average along the mean gradient. When a loss or its norm is not finite, or when the step `before` that this
  /// one follows from is not, nothing changes. Ranks of several agree first, and throw here what finish throws.
  Queued queue(std::vector<StepReport> reports, int64_t step, const Compute& compute, const Queued* before = nullptr);

  struct Outcome {
    Values losses;  // each averaged over this rank's micro-batches
    double norm;    // of the mean gradient, before clipping
  };
  /// Waits for what was queued and looks at its numbers, once. When it was not finite all of it runs once more under a FiniteWatch, and
  /// NotFiniteError names the first tensor that was not finite, its layer, the step and, of several, the rank.
  Outcome finish(const Queued& queued, int64_t step, const Compute& compute);

  /// Buffers become rank 0's. Throws Error when weights are not the same bits on all ranks.
  void synchronise() const;

  const Shown& shown() const { return shown_; }
  const std::string& name() const { return name_; }
  const std::string& prefix() const { return prefix_; }
  ParameterStore& store() { return store_; }
  Optimizer& optimizer() { return adam_; }
  Ema& ema() { return ema_; }

 private:
  void check_finite(const Queued& queued, int64_t step, const Compute& compute);

  std::string name_, prefix_;
  ParameterStore& store_;
  Ranks ranks_;
  DataParallel parallel_;
  double clip_;
  Schedule schedule_;
  Adam adam_;
  Ema ema_;
  Tensor rates_;  // AdamRates, [parameters, 3] f64 on the parameters' device
  Shown shown_;
};

}  // namespace kintsugi
