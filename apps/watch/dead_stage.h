// Tells when a stage only burns time: a collapsed codebook, a discriminator that nothing is learnt from any more, an adaptive weight
// that does not adapt.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/watch/options.h"
#include "apps/watch/values.h"
#include "kernels/base/error.h"

namespace kintsugi {

/// Thrown where a recipe says that a dead stage ends the run.
struct DeadStageError : Error {
  using Error::Error;
};

class DeadStage {
 public:
  DeadStage(const WatchOptions& options, int64_t codebook_size) : options_(options), codebook_size_(codebook_size) {}

  /// Looks at one step's values, by the names that stages report, and at the perplexity of the codes used lately, where there is one.
  /// Returns what became dead at this step, in words; each once.
  std::vector<std::string> observe(const Values& values, std::optional<double> perplexity);

 private:
  // Steps on end for which something holds.
  struct Streak {
    int steps = 0;
    bool told = false;
  };
  // Whether a condition has just held long enough for the first time. A step that cannot tell (no value) does not interrupt it.
  bool lasts(Streak& streak, std::optional<bool> holds) const;

  WatchOptions options_;
  int64_t codebook_size_;
  Streak collapsed_, no_loss_, logits_, at_most_;
};

}  // namespace kintsugi
