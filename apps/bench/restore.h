// The whole restore as one measurement: CodeFormer with random weights on a random picture.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/bench/machine.h"
#include "autograd/op_trace.h"

namespace kintsugi::bench {

struct MeasureOptions;

struct RestoreRun {
  int size = 0;
  double w = 0;
  double first = 0;             // seconds of the first restore, in which memory is touched for the first time
  std::vector<double> seconds;  // of the following ones
  double median_seconds() const;
  size_t parameters = 0;        // bytes
  size_t tensors = 0;           // bytes of tensors at their peak, parameters included
  size_t maps = 0;              // bytes of tensors at their peak, without what was there before: parameters and picture
  std::vector<OpTrace::Step> steps;  // of one more run
  /// The step at which liveness asks for most memory.
  const OpTrace::Step& fullest() const;
  size_t process = 0;           // bytes of the process at its peak; 0: the system does not tell
};

/// Throws UsageError unless size is a multiple of 32 and at least 64.
void check_restore_size(int size);
/// One restore that is not counted and `times` that are. Throws as check_restore_size does.
RestoreRun measure_restore(int size, double w, int times, Clock clock);
std::string to_text(const RestoreRun& run);
/// A line for every step that takes at least a two hundredth of the time: what it was, how long it took, what had to be alive.
std::string layers_text(const RestoreRun& run);
nlohmann::ordered_json to_json(const RestoreRun& run, const Machine& machine, const MeasureOptions& options);

}  // namespace kintsugi::bench
