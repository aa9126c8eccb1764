#include "apps/bench/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/bench/roofline.h"

namespace kintsugi::bench {
namespace {

// Three digits with the unit that leaves one to three of them in front of the point.
std::string scaled(double value, std::initializer_list<std::pair<double, const char*>> units) {
  for (const auto& [size, unit] : units)
    if (value >= size || size == (units.end() - 1)->first) {
      const double v = value / size;
      return fmt::format("{:.{}f} {}", v, v < 9.995 ? 2 : v < 99.95 ? 1 : 0, unit);
    }
  return {};
}

double percent_of_floor(const Measurement& m, const Roof& roof) { return 100 * roof.floor_seconds(m.cost) / m.seconds; }
std::string checked_text(const Measurement& m) { return m.on_small ? "shrunken" : "same shape"; }

std::string csv_field(const std::string& s) {
  std::string quoted = "\"";
  for (char c : s) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string time_text(double seconds) { return scaled(seconds, {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}}); }
std::string bytes_text(double bytes) { return scaled(bytes, {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}}); }

std::string header_text(const Machine& machine, const MeasureOptions& options, const std::vector<Yardstick>& yardsticks) {
  std::string s = fmt::format("{}, {} cores, {}, last-level cache {} MiB, load {:.1f} when it began\n", machine.processor, machine.cores,
                              machine.simd, machine.cache >> 20, machine.load);
  for (const Roof& r : machine.roofs)
    s += fmt::format("peak on {} thread{}: {:.0f} GFLOP/s of multiply-adds, {:.1f} GB/s of copying\n", r.threads, r.threads > 1 ? "s" : "",
                     r.flops / 1e9, r.bytes / 1e9);
  s += fmt::format("rows on {} thread{}, {} time, medians\n", options.threads, options.threads > 1 ? "s" : "",
                   options.clock == Clock::wall ? "wall" : "processor");
  for (const Yardstick& y : yardsticks)
    s += y.absent.empty() ? fmt::format("{} {}\n", y.library, y.version) : fmt::format("{}: absent ({})\n", y.library, y.absent);
  return s;
}

std::string shape_text(const std::vector<Measurement>& rows, const Roof& roof) {
  const Measurement& first = rows.front();
  std::string s = fmt::format("  {}   {} FLOP, {}, floor {} ({})\n", first.shape, scaled(first.cost.flops, {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}}),
                              bytes_text(first.cost.bytes), time_text(roof.floor_seconds(first.cost)),
                              roof.compute_bound(first.cost) ? "compute" : "memory");
  for (const Measurement& m : rows) {
    s += fmt::format("    {:<16}", m.row);
    if (m.samples == 0) {
      s += m.wrong ? fmt::format("WRONG: {}\n", m.not_timed) : fmt::format("not timed: {}\n", m.not_timed);
      continue;
    }
    s += fmt::format("{:>9} {:>8.1f} GFLOP/s {:>7.1f} GB/s {:>5.0f}% of floor  {:>8} + {:<8}", time_text(m.seconds), m.cost.flops / m.seconds / 1e9,
                     m.cost.bytes / m.seconds / 1e9, percent_of_floor(m, roof), bytes_text(double(m.arrays)),
                     m.extra_known ? bytes_text(double(m.extra)) : "?");
    s += m.row == "ref" ? "" : fmt::format("  differs {:.1e}{}", m.difference, m.on_small ? " (shrunken)" : "");
    s += '\n';
  }
  return s;
}

nlohmann::ordered_json to_json(const Report& report) {
  const Machine& machine = report.machine;
  nlohmann::ordered_json j;
  j["format"] = 1;
  auto& about = j["machine"] = {{"processor", machine.processor}, {"cores", machine.cores}, {"simd", machine.simd},
                                {"last_level_cache_bytes", machine.cache}, {"load", machine.load}};
  about["roofs"] = nlohmann::ordered_json::array();
  for (const Roof& r : machine.roofs)
    about["roofs"].push_back({{"threads", r.threads}, {"flop_per_s", r.flops}, {"bytes_per_s", r.bytes}});
  j["threads"] = report.options.threads;
  j["clock"] = name(report.options.clock);
  j["yardsticks"] = nlohmann::ordered_json::array();
  for (const Yardstick& y : report.yardsticks) j["yardsticks"].push_back({{"library", y.library}, {"version", y.version}, {"absent", y.absent}});
  j["results"] = nlohmann::ordered_json::array();
  for (const Measurement& m : report.results) {
    const Roof& roof = machine.roof(report.options.threads);
    nlohmann::ordered_json r{{"family", m.family}, {"shape", m.shape}, {"row", m.row}, {"device", "cpu"},
                             {"flops", m.cost.flops}, {"bytes", m.cost.bytes}, {"floor_seconds", roof.floor_seconds(m.cost)},
                             {"bound", roof.compute_bound(m.cost) ? "compute" : "memory"},
                             {"checked_on", checked_text(m)}, {"difference", m.wrong ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(m.difference)},
                             {"wrong", m.wrong}, {"not_timed", m.not_timed}, {"array_bytes", m.arrays}};
    if (m.samples > 0) {
      r["seconds"] = m.seconds;
      r["best_seconds"] = m.best;
      r["samples"] = m.samples;
      r["repeats"] = m.repeats;
      r["copies"] = m.copies;
      r["gflop_per_s"] = m.cost.flops / m.seconds / 1e9;
      r["gb_per_s"] = m.cost.bytes / m.seconds / 1e9;
      r["percent_of_floor"] = percent_of_floor(m, roof);
      if (m.extra_known) r["extra_bytes"] = m.extra;
    }
    j["results"].push_back(std::move(r));
  }
  return j;
}

std::string to_csv(const Report& report) {
  const Roof& roof = report.machine.roof(report.options.threads);
  std::string s = "family,shape,row,threads,seconds,gflop_per_s,gb_per_s,percent_of_floor,flops,bytes,array_bytes,extra_bytes,difference,checked_on\n";
  for (const Measurement& m : report.results) {
    if (m.samples == 0) continue;
    s += fmt::format("{},{},{},{},{:.6e},{:.3f},{:.3f},{:.2f},{:.0f},{:.0f},{},{},{:.2e},{}\n", csv_field(m.family), csv_field(m.shape), csv_field(m.row),
                     report.options.threads, m.seconds, m.cost.flops / m.seconds / 1e9, m.cost.bytes / m.seconds / 1e9, percent_of_floor(m, roof),
                     m.cost.flops, m.cost.bytes, m.arrays, m.extra_known ? std::to_string(m.extra) : "", m.difference, checked_text(m));
  }
  return s;
}

std::string to_svg(const Report& report) {
  std::vector<RooflineDot> dots;
  for (const Measurement& m : report.results)
    if (m.samples > 0) dots.push_back({m.cost.flops / m.cost.bytes, m.cost.flops / m.seconds, m.row, m.family + ", " + m.shape});
  std::vector<RooflineRoof> roofs;
  for (const Roof& r : report.machine.roofs)
    roofs.push_back({r.flops, r.bytes, fmt::format("{} thread{}", r.threads, r.threads > 1 ? "s" : ""), r.threads == report.options.threads});
  const std::string title = fmt::format("{}, {}, {} thread{}", report.machine.processor, report.machine.simd, report.options.threads,
                                        report.options.threads > 1 ? "s" : "");
  return roofline_svg(title, roofs, dots);
}

}  // namespace kintsugi::bench
