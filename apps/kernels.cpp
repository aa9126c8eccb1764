#include "apps/kernels.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/cli/exit_codes.h"
#include "apps/bench/cubin.h"
#include "kernels/base/device_runtime.h"
#include "kernels/base/simd.h"
#include "kernels/table.h"

namespace kintsugi {

int run_kernels(bool json) {
  if (json) {
    auto list = nlohmann::ordered_json::array();
    for (const auto* f : all_families()) {
      auto rows = nlohmann::ordered_json::array();
      for (const auto& r : f->row_infos())
        rows.push_back({{"name", r.name}, {"device", name(r.where)}, {"deterministic", r.deterministic}, {"supports", r.note}});
      list.push_back({{"family", f->name()}, {"equation", f->equation()}, {"rows", rows}});
    }
    fmt::print("{}\n", list.dump(2));
    return kDone;
  }
  for (const auto* f : all_families()) {
    fmt::print("{}\n    {}\n", f->name(), f->equation());
    for (const auto& r : f->row_infos())
      fmt::print("    {:<8} {:<5} {:<17} {}\n", r.name, name(r.where), r.deterministic ? "deterministic" : "not deterministic", r.note);
  }
  fmt::print("\n{} families. Rows stand in the order they are tried; --kernels FAMILY=ROW chooses one by name ('*' matches anything).\n"
             "SIMD level of this machine: {}.\n", all_families().size(), name(simd_level()));
  return kDone;
}

int run_kernel_resources(bool json) {
  const std::vector<KernelResources> kernels = read_cubins("/proc/self/exe");
  int complaints = 0;
  auto list = nlohmann::ordered_json::array();
  if (!json && !kernels.empty()) fmt::print("{:<64} {:>5} {:>5} {:>6} {:>7}  instructions\n", "kernel", "arch", "regs", "stack", "shared");
  for (const KernelResources& k : kernels) {
    const std::string complaint = complaint_about(k);
    complaints += !complaint.empty();
    if (json) {
      list.push_back({{"kernel", k.name}, {"architecture", k.architecture}, {"registers", k.registers}, {"stack", k.stack}, {"shared", k.shared},
                      {"local", k.local}, {"hmma", k.hmma}, {"hgmma", k.hgmma}, {"async_copies", k.async_copies}, {"tma_loads", k.tma_loads},
                      {"complaint", complaint}});
      continue;
    }
    std::string units;
    for (const auto& [name, n] : {std::pair{"HMMA", k.hmma}, {"HGMMA", k.hgmma}, {"cp.async", k.async_copies}, {"TMA loads", k.tma_loads}, {"spills", k.local}})
      if (n) units += fmt::format("  {} {}", n, name);
    fmt::print("{:<64} sm_{} {:>5} {:>6} {:>7}{}{}\n", k.name, k.architecture, k.registers, k.stack, k.shared, units,
               complaint.empty() ? "" : "  NO: " + complaint);
  }
  if (json) fmt::print("{}\n", list.dump(2));
  else if (kernels.empty()) fmt::print("This program holds no GPU machine code: {}.\n", device_runtime(DeviceKind::cuda).versions());
  else fmt::print("{} kernels, {} complaints\n", kernels.size(), complaints);
  return complaints ? kCheckFailed : kDone;
}

}  // namespace kintsugi
