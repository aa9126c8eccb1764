// The health panel: how a stage fares, over its last steps.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "apps/watch/code_use.h"
#include "apps/watch/values.h"

namespace kintsugi {

/// One step as the loop saw it.
struct StepSeen {
  const Values& values;           // what the stage told
  const Values& gradients;        // gradient norm per module
  std::span<const int64_t> codes; // of the step's tokens; empty: none
  int64_t images = 0;
  double seconds = 0, waiting = 0;  // that the step took, and of these for data
};

/// What the process holds, in bytes.
struct MemorySeen {
  size_t tensors = 0;  // most ever held on the training device
  size_t process = 0;  // most ever held by the process
};

class Health {
 public:
  /// Looks back over `window` steps of a stage that has `steps` of them.
  Health(int64_t codebook_size, int window, int64_t steps) : codes_(codebook_size, window), window_(size_t(window)), steps_(steps) {}

  void add(const StepSeen& step);

  /// Over the window: live_codes, perplexity; means of code_accuracy, cross_entropy_loss, of the discriminator's logits and the adaptive
  /// weight, clamp_rate (share of steps with the weight at its upper bound), of gradient norms, whole and per module; the last lr;
  /// images_per_second, data_wait (share of time), tensors_mib, process_mib, eta_s. What the stage does not have is left out. `done`: steps finished.
  Values values(int64_t done, const MemorySeen& memory) const;

  const CodeUse& codes() const { return codes_; }
  /// Perplexity once the window is full.
  std::optional<double> settled_perplexity() const;

 private:
  struct Step {
    Values values, gradients;
    int64_t images;
    double seconds, waiting;
  };
  CodeUse codes_;
  std::deque<Step> last_;
  size_t window_;
  int64_t steps_;
};

/// A panel's values on one line of a terminal: "codes 97/128, perplexity 61 | accuracy 16.4%, entropy 1.93 | ...".
std::string panel(const Values& health, int64_t codebook_size);

}  // namespace kintsugi
