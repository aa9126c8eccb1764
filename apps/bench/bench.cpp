#include "apps/bench/bench.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/bench/report.h"
#include "apps/bench/restore.h"
#include "apps/cli/exit_codes.h"
#include "kernels/base/parallel.h"
#include "tensor/atomic_file.h"

namespace kintsugi {

using namespace bench;

namespace {

constexpr int kRestores = 3;  // the first one aside

void write(const std::string& path, const std::string& content) {
  if (!path.empty()) write_file(path, content.data(), content.size());
}

int list_families(const std::vector<Yardstick>& libraries) {
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

}  // namespace

int run_bench(const BenchCommand& command) {
  const auto& libraries = yardsticks();
  if (command.list) return list_families(libraries);
  MeasureOptions options{command.families, command.rows, command.shapes, command.seconds, threads(), command.clock == "cpu" ? Clock::cpu : Clock::wall};
  if (command.families == std::vector<std::string>{"restore"}) {
    if (!command.csv.empty() || !command.svg.empty()) throw UsageError("bench restore: has --json only");
    check_restore_size(command.size);
    const Machine machine = measure_machine(options.threads, options.clock);
    if (!command.quiet) fmt::print("{}\n", header_text(machine, options, {}));
    const RestoreRun run = measure_restore(command.size, command.w, kRestores, options.clock);
    fmt::print("{}{}", to_text(run), command.layers ? layers_text(run) : "");
    write(command.json, to_json(run, machine, options).dump(2) + "\n");
    return kDone;
  }
  check(options, libraries);
  Report report{measure_machine(options.threads, options.clock), options, libraries, {}};
  if (!command.quiet) fmt::print("{}", header_text(report.machine, options, libraries));
  std::string family;
  bool right = true;
  measure(options, report.machine, libraries, [&](const BenchFamily& f, const std::vector<Measurement>& rows) {
    if (f.name() != family) fmt::print("\n{}   {}\n", f.name(), f.family->equation());
    family = f.name();
    if (!rows.empty()) fmt::print("{}", shape_text(rows, report.machine.roof(options.threads)));
    fflush(stdout);
    for (const Measurement& m : rows) right &= !m.wrong;
    report.results.insert(report.results.end(), rows.begin(), rows.end());
  });
  write(command.json, to_json(report).dump(2) + "\n");
  write(command.csv, to_csv(report));
  write(command.svg, to_svg(report));
  return right ? kDone : kCheckFailed;
}

}  // namespace kintsugi
