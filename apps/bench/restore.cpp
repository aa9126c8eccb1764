#include "apps/bench/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/bench/measure.h"
#include "apps/bench/report.h"
#include "apps/bench/statistics.h"
#include "kernels/base/proc.h"
#include "models/codeformer/codeformer.h"
#include "nn/evaluating.h"
#include "tensor/random.h"

namespace kintsugi::bench {
namespace {

// Weights that keep activations near 1 all the way through: nothing overflows and nothing becomes subnormal, which would be slow.
void fill(const ParameterStore& store) {
  size_t place = 0;
  for (const auto& e : store.entries()) {
    const Tensor t = e.value();
    const bool scale = t.rank() == 1 && e.name.ends_with("weight");
    fill_normal(t.span<float>(), scale ? 1 : 0, t.rank() == 1 ? 0.1 : 1 / std::sqrt(double(t.numel() / t.dim(0))), place += 7919);
  }
}

}  // namespace

double RestoreRun::median_seconds() const { return median(seconds); }
const OpTrace::Step& RestoreRun::fullest() const {
  KIN_CHECK(!steps.empty(), "bench restore: no step was traced");
  return *std::max_element(steps.begin(), steps.end(), [](const auto& a, const auto& b) { return a.alive < b.alive; });
}

void check_restore_size(int size) {
  if (size < 64 || size % 32 != 0) throw UsageError(text("bench restore: --size must be a multiple of 32 and at least 64, got ", size));
}

RestoreRun measure_restore(int size, double w, int times, Clock clock) {
  check_restore_size(size);
  RestoreRun run;
  run.size = size, run.w = w;
  // The picture's size is in the number of tokens only: everything else is convolutional.
  StoreOptions unwritten;
  unwritten.initialise = false;
  ParameterStore store(unwritten);
  CodeFormerArgs args;
  args.latent_size = int64_t(size / 32) * (size / 32);
  const CodeFormer net(store.root(), args);
  fill(store);
  run.parameters = size_t(store.parameter_count()) * sizeof(float);
  const Tensor picture = random_uniform({1, size, size, 3}, -1, 1, 1, "bench/picture");
  const Evaluating evaluating(store);
  const NoGrad off;
  const size_t before = allocator_stats().live_bytes;
  reset_allocator_peak();
  reset_peak_memory();
  const auto once = [&] {
    const double start = seconds_now(clock);
    net(picture, {.w = w, .adain = true});
    return seconds_now(clock) - start;
  };
  run.first = once();
  for (int i = 0; i < times; ++i) run.seconds.push_back(once());
  run.tensors = allocator_stats().peak_bytes;
  run.maps = run.tensors - before;
  run.process = peak_memory();
  const OpTrace trace([clock] { return seconds_now(clock); });
  once();
  run.steps = trace.steps();
  return run;
}

std::string to_text(const RestoreRun& run) {
  const OpTrace::Step& fullest = run.fullest();
  return fmt::format("restore {0}x{0}, w = {1:g}: {2} (first one {3})\nparameters {4}, tensors at their peak {5}, process at its peak {6}\n"
                     "maps at their peak {7}; liveness asks for {8} ({9} in {10})\n",
                     run.size, run.w, time_text(run.median_seconds()), time_text(run.first), bytes_text(double(run.parameters)),
                     bytes_text(double(run.tensors)), run.process ? bytes_text(double(run.process)) : "?", bytes_text(double(run.maps)),
                     bytes_text(double(fullest.alive)), fullest.op, fullest.layer);
}

std::string layers_text(const RestoreRun& run) {
  double total = 0, others = 0;
  for (const auto& s : run.steps) total += s.seconds;
  std::string text;
  for (const auto& s : run.steps) {
    if (s.seconds < total / 200) others += s.seconds;
    else text += fmt::format("  {:>9} {:>5.1f}%  {:>9} alive   {} in {}\n", time_text(s.seconds), 100 * s.seconds / total, bytes_text(double(s.alive)), s.op, s.layer);
  }
  return text + fmt::format("  {:>9} {:>5.1f}%  {:>9}         all others\n", time_text(others), 100 * others / total, "");
}

nlohmann::ordered_json to_json(const RestoreRun& run, const Machine& machine, const MeasureOptions& options) {
  nlohmann::ordered_json j = to_json(Report{machine, options, {}, {}});
  j.erase("results");
  j["restore"] = {{"size", run.size}, {"w", run.w}, {"seconds", run.median_seconds()}, {"first_seconds", run.first},
                            {"all_seconds", run.seconds}, {"parameter_bytes", run.parameters},
                            {"peak_tensor_bytes", run.tensors}, {"peak_process_bytes", run.process}, {"peak_map_bytes", run.maps},
                            {"least_map_bytes", run.fullest().alive}};
  for (const auto& s : run.steps)
    j["restore"]["steps"].push_back({{"op", s.op}, {"layer", s.layer}, {"seconds", s.seconds}, {"alive_bytes", s.alive}});
  return j;
}

}  // namespace kintsugi::bench
