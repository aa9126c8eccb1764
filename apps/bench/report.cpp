#include "apps/bench/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/bench/cubin.h"
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

bool on_cpu(const Machine& m) { return m.device.kind == DeviceKind::cpu; }
std::string roof_text(const Machine& m, const Roof& r) {
  return on_cpu(m) ? fmt::format("{} thread{}", r.threads, r.threads > 1 ? "s" : "") : text(m.device);
}

// What the compiler gave the kernel, from the machine code in this program; null where there is none.
const KernelResources* resources_of(const GraphKernel& kernel, const Machine& machine) {
  static const std::vector<KernelResources> all = read_cubins("/proc/self/exe");
  return find_kernel(all, kernel.name, std::stoi(machine.simd.substr(3)));  // "sm_90"
}

// Kernels in order, the same one with the same grid told once.
std::string kernels_text(const Measurement& m, const Machine& machine) {
  std::string s;
  for (size_t i = 0; i < m.kernels.size();) {
    const GraphKernel& k = m.kernels[i];
    size_t same = 1;
    while (i + same < m.kernels.size() && m.kernels[i + same] == k) ++same;
    const KernelResources* r = resources_of(k, machine);
    s += fmt::format("      {}{}{} x {} threads", r ? r->name + " " : k.name.empty() ? "" : k.name + " ", same > 1 ? fmt::format("{} times ", same) : "",
                     k.blocks, k.threads);
    if (k.dynamic_shared || (r && r->shared))
      s += fmt::format(", shared {}", bytes_text(double(k.dynamic_shared) + double(r ? r->shared : 0)));
    if (r) s += fmt::format(", {} registers, {} spills", r->registers, r->local);
    s += '\n';
    i += same;
  }
  return s;
}

}  // namespace

std::string time_text(double seconds) { return scaled(seconds, {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}}); }
std::string bytes_text(double bytes) { return scaled(bytes, {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}}); }

std::string header_text(const Machine& machine, const MeasureOptions& options, const std::vector<Yardstick>& yardsticks) {
  const Roof& main = machine.roof(options.threads);
  if (machine.device.kind == DeviceKind::sim)
    return "emulated GPU, run by the CPU: checks and counts are those of a GPU, times and peaks are the emulator's and say nothing about one\n"
           "tiny problems of the same kinds as the shapes named\n";
  if (!on_cpu(machine))
    return fmt::format("{}, {}, {} multiprocessors, L2 {} MiB\n{}\npeak in {}: {:.0f} GFLOP/s of {}, {:.0f} GB/s of copying\nevents, medians, arrays rotated past L2\n",
                       machine.processor, machine.simd, machine.cores, machine.cache >> 20, device_runtime(machine.device.kind).versions(),
                       kintsugi::name(options.dtype), main.flops / 1e9, options.dtype == DType::bf16 ? "tensor cores" : "multiply-adds", main.bytes / 1e9);
  std::string s = fmt::format("{}, {} cores, {}, last-level cache {} MiB, load {:.1f} when it began\n", machine.processor, machine.cores,
                              machine.simd, machine.cache >> 20, machine.load);
  for (const Roof& r : machine.roofs)
    s += fmt::format("peak on {}: {:.0f} GFLOP/s of multiply-adds, {:.1f} GB/s of copying\n", roof_text(machine, r), r.flops / 1e9, r.bytes / 1e9);
  s += fmt::format("rows on {}, {} time, medians\n", roof_text(machine, main), options.clock == Clock::wall ? "wall" : "processor");
  for (const Yardstick& y : yardsticks)
    s += y.absent.empty() ? fmt::format("{} {}\n", y.library, y.version) : fmt::format("{}: absent ({})\n", y.library, y.absent);
  return s;
}

std::string shape_text(const std::vector<Measurement>& rows, const Machine& machine, const MeasureOptions& options) {
  const Measurement& first = rows.front();
  const Roof& roof = machine.roof(options.threads);
  std::string s = fmt::format("  {}   {} FLOP, {}, floor {} ({})\n", first.shape, scaled(first.cost.flops, {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}}),
                              bytes_text(first.cost.bytes), time_text(roof.floor_seconds(first.cost)),
                              roof.compute_bound(first.cost) ? "compute" : "memory");
  for (const Measurement& m : rows) {
    s += fmt::format("    {:<16}", m.row);
    if (m.samples == 0) {
      s += m.wrong ? fmt::format("WRONG: {}\n", m.not_timed) : fmt::format("not timed: {}\n", m.not_timed);
      continue;
    }
    const double rate = m.cost.flops / m.seconds;
    s += fmt::format("{:>9} {:>16} {:>7.1f} GB/s {:>5.0f}% of floor  {:>8} + {:<8}", time_text(m.seconds),
                     machine.device.kind == DeviceKind::cuda ? fmt::format("{:.2f} TFLOP/s", rate / 1e12) : fmt::format("{:.1f} GFLOP/s", rate / 1e9),
                     m.cost.bytes / m.seconds / 1e9, percent_of_floor(m, roof), bytes_text(double(m.arrays)), m.extra_known ? bytes_text(double(m.extra)) : "?");
    s += m.row == "ref" ? "" : fmt::format("  differs {:.1e}{}", m.difference, m.on_small ? " (shrunken)" : "");
    s += '\n';
    if (!m.kernels.empty()) s += kernels_text(m, machine);
  }
  return s;
}

nlohmann::ordered_json to_json(const Report& report) {
  const Machine& machine = report.machine;
  nlohmann::ordered_json j;
  j["format"] = 1;
  auto& about = j["machine"] = {{"device", text(machine.device)}, {"processor", machine.processor}, {"cores", machine.cores}, {"simd", machine.simd},
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
    nlohmann::ordered_json r{{"family", m.family}, {"shape", m.shape}, {"row", m.row}, {"device", text(machine.device)}, {"dtype", name(report.options.dtype)},
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
    if (!m.kernels.empty()) {
      auto& list = r["kernels"] = nlohmann::ordered_json::array();
      for (const GraphKernel& k : m.kernels) {
        nlohmann::ordered_json one{{"symbol", k.name}, {"blocks", k.blocks}, {"threads", k.threads}, {"dynamic_shared", k.dynamic_shared}};
        if (const KernelResources* c = resources_of(k, machine))
          one.update({{"name", c->name}, {"registers", c->registers}, {"stack", c->stack}, {"spills", c->local}, {"shared", c->shared}});
        list.push_back(std::move(one));
      }
    }
    j["results"].push_back(std::move(r));
  }
  return j;
}

std::string to_csv(const Report& report) {
  const Roof& roof = report.machine.roof(report.options.threads);
  std::string s = "family,shape,row,device,dtype,threads,seconds,gflop_per_s,gb_per_s,percent_of_floor,flops,bytes,array_bytes,extra_bytes,difference,checked_on\n";
  for (const Measurement& m : report.results) {
    if (m.samples == 0) continue;
    s += fmt::format("{},{},{},{},{},{},{:.6e},{:.3f},{:.3f},{:.2f},{:.0f},{:.0f},{},{},{:.2e},{}\n", csv_field(m.family), csv_field(m.shape), csv_field(m.row),
                     text(report.machine.device), name(report.options.dtype), report.options.threads, m.seconds, m.cost.flops / m.seconds / 1e9, m.cost.bytes / m.seconds / 1e9, percent_of_floor(m, roof),
                     m.cost.flops, m.cost.bytes, m.arrays, m.extra_known ? std::to_string(m.extra) : "", m.difference, checked_text(m));
  }
  return s;
}

std::string to_svg(const Report& report) {
  std::vector<RooflineDot> dots;
  for (const Measurement& m : report.results)
    if (m.samples > 0) dots.push_back({m.cost.flops / m.cost.bytes, m.cost.flops / m.seconds, m.row, m.family + ", " + m.shape});
  const Machine& machine = report.machine;
  std::vector<RooflineRoof> roofs;
  for (const Roof& r : machine.roofs) roofs.push_back({r.flops, r.bytes, roof_text(machine, r), r.threads == report.options.threads});
  const std::string title = fmt::format("{}, {}, {}", machine.processor, machine.simd, on_cpu(machine) ? roof_text(machine, machine.roof(report.options.threads))
                                                                                                    : text(machine.device, ", ", report.options.dtype));
  return roofline_svg(title, roofs, dots);
}

}  // namespace kintsugi::bench
