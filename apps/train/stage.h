// A stage of training as the loop (loop.h) sees it: networks, one step, what it leaves behind. The stages themselves are stage1.cpp,
// stage2.cpp and stage3.cpp.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "apps/train/learner.h"
#include "apps/train/recorded_step.h"
#include "apps/train/run.h"
#include "data/batch.h"

namespace kintsugi {

/// A discriminator and what trains it; none: both null.
struct Judge {
  Learner* learner = nullptr;
  const Discriminator* net = nullptr;
  GanKind kind = GanKind::hinge;
};

class Stage {
 public:
  virtual ~Stage() = default;

  /// One step of everything the stage trains, on micro-batches that lie on the run's device; their mean gradient is followed. Returns
  /// what it has to tell of the step, named for metrics.jsonl.
  virtual Values step(int64_t n, std::span<const Batch> batches) = 0;
  /// Writes the averaged weights into the run folder, under the names that later stages read behind `prefix`. Returns the stage's result.
  virtual Saved save(const std::string& prefix) = 0;
  /// Measures the averaged weights on the validation faces and writes their sheet.
  virtual Values validate() = 0;
  /// The one of those values that tells the best weights: the larger the better.
  virtual std::string best_by() const = 0;
  /// Gives back memory that steps hold between them, for other work to use.
  void let_go() { recorded_.forget(); }
  /// Each network that is trained, with all its state.
  virtual std::vector<Learner*> learners() = 0;

  int number() const { return number_; }
  std::string name() const { return "stage" + std::to_string(number_); }
  const StageRecipe& recipe() const { return recipe_; }
  const DatasetPtr& data() const { return data_; }
  /// What step n is trained on: data(), or another dataset of its size.
  virtual const Dataset& data_of(int64_t) const { return *data_; }

 protected:
  Stage(Run& run, int number, const StageRecipe& recipe, DatasetPtr data)
      : run_(run), recipe_(recipe), number_(number), data_(std::move(data)), recorded_(run, name(), recipe.accumulate) {}

  /// A network that is trained computes as the recipe says, and one with large maps may make them again.
  void set_up(ParameterStore& store, bool recompute) const {
    store.recompute(recompute);
    store.compute_in_bf16(run_.recipe.compute == "bf16");
  }

  using Compute = std::function<StepReport(const StepInputs&)>;
  /// A step of `learn`, where compute(inputs) is forward and backward on one of the micro-batches, and where the discriminator took part in it, a step
  /// of that on the clean faces and what was made instead. `kind` names what else compute depends on (recorded_step.h). Returns mean losses, grad_norm, lr,
  /// the discriminator's losses, grad_norm_d and lr_d. Between ranks, the discriminator's forward hides the rest of the generator's reduction, and the
  /// generator's optimiser the discriminator's.
  Values update(int64_t step, const std::string& kind, Learner& learn, const Judge& judge, const std::vector<StepInputs>& inputs, const Compute& compute);

  Run& run_;
  const StageRecipe& recipe_;

 private:
  int number_;
  DatasetPtr data_;
  RecordedStep recorded_;
};

/// Builds a stage: its networks from the recipe, or from the run folder what earlier stages left there.
std::unique_ptr<Stage> make_stage1(Run& run);
std::unique_ptr<Stage> make_stage2(Run& run);
std::unique_ptr<Stage> make_stage3(Run& run);

// What stages are made of.

/// The adaptive weight of a step of several micro-batches, whose gradients are averaged before their norms are taken: as one batch of them
/// all would have it. Costs a pass of its own; empty for a single batch, which is measured where it is used.
std::optional<AdaptiveWeight> weight_over(std::span<const Batch> batches, const AdaptiveWeightOptions& options, const Ranks& ranks,
                                          const std::function<AdaptiveGradients(const Batch&)>& gradients);
/// How a stage's recipe judges images.
ImageObjectiveOptions image_options(const Run& run, const StageRecipe& recipe);

/// A CodeFormer measured on the validation faces at each w, and its sheet written: what stages II and III report.
Values measure_codeformer(Run& run, const std::string& stage, const CodeFormer& net, ParameterStore& store, const VQAutoEncoder& vqgan,
                          const std::vector<double>& ws, const std::string& sheet);

inline constexpr int kSheetFaces = 8;

}  // namespace kintsugi
