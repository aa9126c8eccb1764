#include "apps/bench/emulate.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/bench/report.h"
#include "kernels/simt/emulator.h"

namespace kintsugi::bench {
namespace {

EmulatedRun run(const BenchFamily& family, const BenchFamily::Shape& shape, const BenchFamily::Row& row, const MeasureOptions& options) {
  EmulatedRun r{family.name(), shape.name, row.name, {}, 0, 0, 0, {}};
  Arrays on_host({{}, options.dtype, options.dtype}), arrays({options.device, options.dtype, options.dtype});
  r.cost = family.cost(shape.make(on_host, ProblemSize::tiny).get());
  const auto args = shape.make(arrays, ProblemSize::tiny);
  const auto prepared = row.prepare({options.device, nullptr}, args.get());
  const simt::Stats before = simt::stats();
  {
    const simt::AccessCounter counter;
    prepared->run();
    r.counts = counter.counts();
  }
  const simt::Stats after = simt::stats();
  r.launches = after.launches - before.launches, r.blocks = after.blocks - before.blocks, r.threads = after.threads - before.threads;
  return r;
}

bool takes(const BenchFamily::Shape& shape, const BenchFamily::Row& row, const MeasureOptions& options) {
  Arrays arrays({options.device, options.dtype, options.dtype});
  return row.refuses(shape.make(arrays, ProblemSize::tiny).get()).empty();
}

}  // namespace

std::string why_not_emulated() {
  if (simt::watches_accesses()) return {};
  return "bench --emulate: this build does not watch the emulated kernels' memory accesses; the preset simcheck does: "
         "cmake --preset simcheck && cmake --build --preset simcheck, then build-simcheck/kintsugi bench --emulate";
}

void emulate(MeasureOptions options, const std::function<void(const BenchFamily&, const std::vector<EmulatedRun>&)>& done) {
  if (const std::string why = why_not_emulated(); !why.empty()) throw UsageError(why);
  options.device = {DeviceKind::sim, 0};
  check(options, {});
  for (const BenchFamily& f : bench_families()) {
    if (!any_fits(f.name(), options.families)) continue;
    for (const auto& s : f.shapes) {
      if (!fits(s.name, options.shapes)) continue;
      std::vector<EmulatedRun> rows;
      for (const auto& r : rows_of(f, {}, options))
        if (any_fits(r.name, options.rows) && takes(s, r, options)) rows.push_back(run(f, s, r, options));
      done(f, rows);
    }
  }
}

std::string to_text(const std::vector<EmulatedRun>& rows) {
  std::string s;
  for (const EmulatedRun& r : rows) {
    const simt::AccessCounts& c = r.counts;
    if (&r == &rows.front()) s += fmt::format("  {}   tiny: {} to move\n", r.shape, bytes_text(r.cost.bytes));
    s += fmt::format("    {:<16}{:>8} requests {:>9} asked for ({:.1f} x) {:>8} sectors ({:.2f} x){:>9} wavefronts {:>7} of conflicts   {} launch{}, {} blocks, {} threads\n",
                     r.row, c.global_requests, bytes_text(double(c.global_bytes)), r.traffic(), c.global_sectors, c.overfetch(), c.shared_wavefronts, c.conflicts(),
                     r.launches, r.launches == 1 ? "" : "es", r.blocks, r.threads);
  }
  return s;
}

nlohmann::ordered_json to_json(const std::vector<EmulatedRun>& runs, DType dtype) {
  nlohmann::ordered_json j{{"format", 1}, {"device", "sim"}, {"dtype", name(dtype)}, {"results", nlohmann::ordered_json::array()}};
  for (const EmulatedRun& r : runs) {
    const simt::AccessCounts& c = r.counts;
    j["results"].push_back({{"family", r.family}, {"shape", r.shape}, {"row", r.row}, {"flops", r.cost.flops}, {"bytes", r.cost.bytes},
                            {"launches", r.launches}, {"blocks", r.blocks}, {"threads", r.threads},
                            {"global_requests", c.global_requests}, {"global_bytes", c.global_bytes}, {"global_sectors", c.global_sectors},
                            {"overfetch", c.overfetch()}, {"shared_requests", c.shared_requests}, {"shared_wavefronts", c.shared_wavefronts},
                            {"shared_conflicts", c.conflicts()}});
  }
  return j;
}

}  // namespace kintsugi::bench
