// A training step recorded once and started as a whole (kernels/base/device_graph.h): one launch in place of thousands. Everything from the batch
// on the device to the moved weights is in it; what differs from step to step lies in memory that it reads.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "apps/train/learner.h"
#include "apps/train/run.h"
#include "kernels/base/device_graph.h"

namespace kintsugi {

/// One micro-batch, on the run's device.
struct StepInputs {
  Tensor gt, lq;  // [N,H,W,3]; one and the same tensor when nothing degrades
  Tensor codes;   // [N x T] i64, of gt, where they are known beforehand; else empty
};

/// A step under way: what finish() of its learners asks for.
struct QueuedStep {
  std::vector<StepInputs> inputs;  // a recording's own, where there is one
  Learner::Queued learn;
  std::optional<Learner::Queued> judge;  // where the discriminator takes part
};

class RecordedStep {
 public:
  /// Steps of `accumulate` micro-batches of this run. Says on stderr, once, why they are not recorded where the recipe would have it.
  RecordedStep(const Run& run, const std::string& stage, int accumulate);

  using Queue = std::function<QueuedStep(std::vector<StepInputs>)>;
  /// Runs `queue` on the inputs, or starts what was recorded of it: the same bits. `kind` names all that the CPU decides in it beside the inputs'
  /// shapes. The first step of a kind is run, the second recorded. A result's tensors are good until the next step.
  QueuedStep operator()(const std::string& kind, const std::vector<StepInputs>& inputs, const Queue& queue);

  /// Gives the recordings' memory back; what is asked for again is recorded again.
  void forget() { recordings_.clear(); }

 private:
  struct Recording {
    QueuedStep step;
    std::unique_ptr<DeviceGraph> graph;
  };
  const Recording* recording_of(const std::string& key, const std::vector<StepInputs>& inputs, const Queue& queue);
  Recording record(const std::string& key, const std::vector<StepInputs>& inputs, const Queue& queue);
  void give_up(const std::string& why);

  const Run& run_;
  std::string stage_;
  bool on_ = false;
  std::set<std::string> seen_, told_;
  std::map<std::string, Recording> recordings_;
};

}  // namespace kintsugi
