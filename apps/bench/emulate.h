// What the kernels ask of a GPU's memory system, counted on the emulated one: no GPU is needed and nothing is timed.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/bench/measure.h"
#include "kernels/simt/access.h"

namespace kintsugi::bench {

/// One row on one shape's tiny problem.
struct EmulatedRun {
  std::string family, shape, row;
  Cost cost;
  uint64_t launches = 0, blocks = 0, threads = 0;
  simt::AccessCounts counts;
  /// Bytes asked for, for each byte that the problem has to move; above 1 something is read more than once.
  double traffic() const { return double(counts.global_bytes) / cost.bytes; }
};

/// Why this build cannot count, naming the one that can; empty when it can.
std::string why_not_emulated();

/// Calls done() after each shape of a family. The options' device is not looked at: it is sim. Throws UsageError where why_not_emulated() says so,
/// and as check() does.
void emulate(MeasureOptions options, const std::function<void(const BenchFamily&, const std::vector<EmulatedRun>&)>& done);

std::string to_text(const std::vector<EmulatedRun>& rows);
nlohmann::ordered_json to_json(const std::vector<EmulatedRun>& runs, DType dtype);

}  // namespace kintsugi::bench
