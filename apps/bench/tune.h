// Choices of rows by measured time: written by `kintsugi bench --tune FILE`, replayed by `--kernels @FILE`. A choice is for one family, kind of
// device and problem; a problem is known by what it costs (FLOPs, bytes, and kind where a family has one), so that a choice for bf16 is none
// for f32. Everything else keeps the first row that fits.
#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "apps/bench/measure.h"
#include "kernels/table.h"

namespace kintsugi::bench {

struct TunedChoice {
  std::string family, shape, row;
  DeviceKind device = DeviceKind::cpu;
  DType dtype = DType::f32;
  std::string kind;
  double flops = 0, bytes = 0, seconds = 0;
};

/// The fastest row of each problem on which at least two were timed. Left out: rows of other libraries, rows that differ from run to run, and
/// rows that round f32 to tf32. Shapes that cost the same share one choice, that with the least time for all of them.
std::vector<TunedChoice> best_choices(const std::vector<Measurement>& results, const MeasureOptions& options);

std::string to_json_text(const std::vector<TunedChoice>& choices);
/// Throws UsageError beginning with `where` for anything that to_json_text does not write: what is wrong, and for a family or a row that
/// there is not, which there are.
std::vector<TunedChoice> choices_from_json(const std::string& json, const std::string& where);

/// The choices of a file in force while it lives. Throws as choices_from_json does, and Error when the file cannot be read.
class TunedKernels {
 public:
  explicit TunedKernels(const std::string& path);
  explicit TunedKernels(std::vector<TunedChoice> choices);

 private:
  struct OfFamily {
    BenchFamily bench;
    std::vector<TunedChoice> choices;
  };
  std::string row_for(const FamilyInfo& family, DeviceKind where, const void* args) const;

  std::unordered_map<const FamilyInfo*, OfFamily> families_;
  std::optional<KernelPreference> preference_;
};

}  // namespace kintsugi::bench
