#include "apps/bench/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/bench/device_peak.h"
#include "apps/bench/emulate.h"
#include "apps/bench/loading.h"
#include "apps/bench/report.h"
#include "apps/bench/restore.h"
#include "apps/bench/tune.h"
#include "apps/cli/exit_codes.h"
#include "kernels/base/parallel.h"
#include "tensor/atomic_file.h"

namespace kintsugi {

using namespace bench;

namespace {

constexpr int kRestores = 3;  // the first one aside
constexpr int kLoaded = 64;

void write(const std::string& path, const std::string& content) {
  if (!path.empty()) write_file(path, content.data(), content.size());
}

void check_given(const BenchCommand& command, const char* what, std::initializer_list<std::string_view> used) {
  for (const std::string& option : command.given)
    if (std::find(used.begin(), used.end(), option) == used.end())
      throw UsageError(text(what, ": has no use for ", option, "; it takes ", fmt::format("{}", fmt::join(used, ", "))));
}

Machine measure_roofs(const MeasureOptions& options) {
  return options.device.kind == DeviceKind::cpu ? measure_machine(options.threads, options.clock) : measure_device(options.device, options.dtype);
}

// The equation in front of a family's first shape.
class Headings {
 public:
  void show(const BenchFamily& f) {
    if (f.name() != family_) fmt::print("\n{}   {}\n", f.name(), f.family->equation());
    family_ = f.name();
  }

 private:
  std::string family_;
};

int count_accesses(const BenchCommand& command, const MeasureOptions& options) {
  check_given(command, "bench --emulate", {"FAMILY", "--emulate", "--rows", "--shapes", "--dtype", "--json"});
  if (command.device.kind == DeviceKind::cuda) throw UsageError(text("bench --emulate: counts on sim, got --device ", command.device));
  std::vector<EmulatedRun> all;
  Headings headings;
  emulate(options, [&](const BenchFamily& f, const std::vector<EmulatedRun>& rows) {
    if (all.empty() && !command.quiet)
      fmt::print("emulated GPU: requests of warps, bytes they ask for (and how often the least that must move), 32-byte sectors touched (bytes moved per byte asked for),\n"
                 "passes over the banks of shared memory and those that conflicts cost; ldmatrix, TMA and wgmma are not counted\n");
    if (rows.empty()) return;
    headings.show(f);
    fmt::print("{}", to_text(rows));
    fflush(stdout);
    all.insert(all.end(), rows.begin(), rows.end());
  });
  write(command.json, to_json(all, options.dtype).dump(2) + "\n");
  return kDone;
}

int list_families(const BenchCommand& command, const std::vector<Yardstick>& libraries) {
  check_given(command, "bench --list", {"--list"});
  for (const BenchFamily& f : bench_families()) {
    fmt::print("{}\n    {}\n    rows:  ", f.name(), f.family->equation());
    for (const auto& r : f.rows()) fmt::print(" {}", r.name);
    for (const auto& y : libraries)
      for (const auto& r : y.rows)
        if (r.family == f.name()) fmt::print(" {}", r.name);
    fmt::print("\n");
    for (const auto& s : f.shapes) fmt::print("    shape:  {}\n", s.name);
  }
  for (const auto& y : libraries)
    fmt::print("{}\n", y.absent.empty() ? y.library + " " + y.version : y.library + ": absent (" + y.absent + ")");
  return kDone;
}

int bench_loading(const BenchCommand& command, Clock clock) {
  check_given(command, "bench loading", {"FAMILY", "--pictures", "--size", "--clock", "--json"});
  if (command.device.kind != DeviceKind::cpu) throw UsageError(text("bench loading: runs on the CPU, got --device ", command.device));
  if (command.pictures.empty()) throw UsageError("bench loading: --pictures FOLDER or --pictures FILE.pack is required");
  std::vector<LoadingRow> rows;
  for (const std::string& source : command.pictures) {
    rows.push_back(measure_loading(source, command.size, kLoaded, clock));
    fmt::print("{}", to_text(rows.back()));
    fflush(stdout);
  }
  write(command.json, to_json(rows, command.size, clock).dump(2) + "\n");
  return kDone;
}

int bench_restore(const BenchCommand& command, const MeasureOptions& options) {
  check_given(command, "bench restore", {"FAMILY", "--size", "--w", "--layers", "--clock", "--json"});
  if (command.device.kind != DeviceKind::cpu) throw UsageError(text("bench restore: runs on the CPU, got --device ", command.device));
  check_clock(options);
  check_restore_size(command.size);
  const Machine machine = measure_machine(options.threads, options.clock);
  if (!command.quiet) fmt::print("{}\n", header_text(machine, options, {}));
  const RestoreRun run = measure_restore(command.size, command.w, kRestores, options.clock);
  fmt::print("{}{}", to_text(run), command.layers ? layers_text(run) : "");
  write(command.json, to_json(run, machine, options).dump(2) + "\n");
  return kDone;
}

}  // namespace

int run_bench(const BenchCommand& command) {
  const auto& libraries = yardsticks();
  if (command.list) return list_families(command, libraries);
  MeasureOptions options{command.families, command.rows, command.shapes, command.seconds, threads(), command.clock == "cpu" ? Clock::cpu : Clock::wall,
                         command.device, command.dtype == "bf16" ? DType::bf16 : DType::f32};
  if (command.families == std::vector<std::string>{"loading"}) return bench_loading(command, options.clock);
  if (command.families == std::vector<std::string>{"restore"}) return bench_restore(command, options);
  if (command.emulate) return count_accesses(command, options);
  if (command.device.kind != DeviceKind::cpu) options.threads = 1;  // there is one roof
  check_given(command, "bench", {"FAMILY", "--rows", "--shapes", "--seconds", "--clock", "--dtype", "--tune", "--json", "--csv", "--svg"});
  check(options, libraries);
  const bool cpu = command.device.kind == DeviceKind::cpu;
  Report report{measure_roofs(options), options, cpu ? libraries : std::vector<Yardstick>{}, {}};
  if (!command.quiet) fmt::print("{}", header_text(report.machine, options, report.yardsticks));
  Headings headings;
  bool right = true;
  measure(options, report.machine, libraries, [&](const BenchFamily& f, const std::vector<Measurement>& rows) {
    if (rows.empty()) return;
    headings.show(f);
    fmt::print("{}", shape_text(rows, report.machine, options));
    fflush(stdout);
    for (const Measurement& m : rows) right &= !m.wrong;
    report.results.insert(report.results.end(), rows.begin(), rows.end());
  });
  write(command.json, to_json(report).dump(2) + "\n");
  write(command.csv, to_csv(report));
  write(command.svg, to_svg(report));
  if (!command.tune.empty()) {
    const auto choices = best_choices(report.results, options);
    write(command.tune, to_json_text(choices));
    if (!command.quiet) fmt::print("\n{} choices written to {}; --kernels @{} replays them\n", choices.size(), command.tune, command.tune);
  }
  return right ? kDone : kCheckFailed;
}

}  // namespace kintsugi
