// Checks and times the rows of families over their shapes.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "apps/bench/machine.h"
#include "apps/bench/yardsticks/yardstick.h"
#include "kernels/base/device_graph.h"

namespace kintsugi::bench {

/// One row on one shape.
struct Measurement {
  std::string family, shape, row;
  std::string kind;        // BenchFamily::kind
  Cost cost;
  // How it was checked.
  bool on_small = false;   // on a shrunken shape
  double difference = 0;   // from `ref`, relative to its largest element
  bool wrong = false;      // beyond the shape's tolerance: it was not timed
  std::string not_timed;   // why there is no time, or ""
  // Its time.
  double seconds = 0, best = 0;  // median and least
  int samples = 0, repeats = 0;  // a sample is the mean of `repeats` runs
  int copies = 0;                // problems run in turn, so that none is found in the cache
  // Its memory, bytes.
  size_t arrays = 0, extra = 0;  // inputs and outputs; what the row held besides at its peak
  bool extra_known = false;
  // Of a GPU's row: the kernels of one run, in order.
  std::vector<GraphKernel> kernels;
};

struct MeasureOptions {
  std::vector<std::string> families;  // patterns; empty: all
  std::vector<std::string> rows;      // patterns; empty: all, but `ref` only where a run takes less than kPatience
  std::string shapes;                 // pattern, or part of the name; empty: all
  double seconds = 0.2;               // spent on timing each row, at least
  int threads = 1;
  Clock clock = Clock::wall;
  Device device = {};
  DType dtype = DType::f32;           // or, not on the CPU, bf16
};
constexpr double kPatience = 2;  // seconds

/// Does the option's pattern or part of a name fit? An empty pattern fits everything.
bool fits(const std::string& name, const std::string& pattern);

/// The rows that the options' device runs. Yardsticks have none for a GPU: cublas and cudnn stand in the families' tables.
std::vector<BenchFamily::Row> rows_of(const BenchFamily& family, const std::vector<Yardstick>& yardsticks, const MeasureOptions& options);

/// Does the name fit one of the patterns? No patterns fit everything.
bool any_fits(const std::string& name, const std::vector<std::string>& patterns);

/// Throws UsageError when the clock does not fit the device and the threads.
void check_clock(const MeasureOptions& options);

/// Throws UsageError when a pattern fits no family, no shape or no row, no row of the families asked for runs on the device, and as check_clock does.
void check(const MeasureOptions& options, const std::vector<Yardstick>& yardsticks);

/// For options that passed check(): calls done() after each shape of a family, with one measurement per row that takes it. Yardstick rows stand
/// behind the family's own. On sim every problem is the shape's tiny one.
void measure(const MeasureOptions& options, const Machine& machine, const std::vector<Yardstick>& yardsticks,
             const std::function<void(const BenchFamily&, const std::vector<Measurement>&)>& done);

}  // namespace kintsugi::bench
