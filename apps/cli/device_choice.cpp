#include "apps/cli/device_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/base/device_runtime.h"
#include "kernels/base/error.h"
#include "kernels/table.h"

namespace kintsugi {
namespace {

// Families that such a device cannot compute in this build.
std::vector<std::string> without_rows(DeviceKind kind) {
  std::vector<std::string> names;
  for (const FamilyInfo* f : all_families()) {
    const auto rows = f->row_infos();
    if (std::none_of(rows.begin(), rows.end(), [&](const RowInfo& r) { return r.where == kind; })) names.push_back(f->name());
  }
  return names;
}

std::string missing_text(DeviceKind kind) {
  std::string names;
  for (const std::string& name : without_rows(kind)) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "" : fmt::format("; it has no kernels for {}: what needs them stops and says so", names);
}

std::string described(Device d) {
  const DeviceFacts f = device_runtime(d.kind).facts(d.index);
  return fmt::format("cuda:{}, {} (sm_{}{}, {:.0f} of {:.0f} GiB free)", d.index, f.name, f.major, f.minor, double(f.memory_free) / (1 << 30),
                     double(f.memory_total) / (1 << 30));
}

// Why auto would not take the first GPU; empty when it would.
std::string why_not_cuda() {
  if (std::string why = device_runtime(DeviceKind::cuda).refuses(0); !why.empty()) return why;
  if (const auto missing = without_rows(DeviceKind::cuda); !missing.empty())
    return fmt::format("{} of {} kernel families have no cuda row yet, {} among them", missing.size(), all_families().size(), missing.front());
  return {};
}

}  // namespace

Device choose_device(const std::string& asked, bool quiet) {
  const auto say = [&](const std::string& what) {
    if (!quiet) fmt::print(stderr, "device: {}\n", what);
  };
  if (asked == "auto") {
    const std::string why = why_not_cuda();
    if (why.empty()) {
      say(described({DeviceKind::cuda, 0}) + ", chosen by auto");
      return {DeviceKind::cuda, 0};
    }
    say(fmt::format("cpu, chosen by auto ({})", why));
    return {};
  }
  Device device;
  try {
    device = parse_device(asked);
  } catch (const UsageError&) {
    throw UsageError(text("--device: must be auto, cpu, cuda, cuda:N or sim, got '", asked, "'"));
  }
  if (device.kind == DeviceKind::cuda) {
    const DeviceRuntime& cuda = device_runtime(DeviceKind::cuda);
    if (const std::string why = cuda.refuses(device.index); !why.empty())
      throw Error(text("--device ", asked, ": ", why, "; use --device cpu or auto"));
    say(described(device) + missing_text(device.kind));
  }
  if (device.kind == DeviceKind::cpu) say("cpu, asked for by --device");
  if (device.kind == DeviceKind::sim) say("sim, the emulated GPU: the kernels of a GPU run by the CPU, slowly, to check them" + missing_text(device.kind));
  return device;
}

std::string device_facts() {
  const DeviceRuntime& cuda = device_runtime(DeviceKind::cuda);
  std::string out = "cpu, sim";
  for (int i = 0; i < cuda.count(); ++i)
    if (cuda.refuses(i).empty()) out += ", " + described({DeviceKind::cuda, i});
  if (const std::string why = cuda.refuses(0); !why.empty()) out += fmt::format(" (cuda: {})", why);
  else out += fmt::format(" ({})", cuda.versions());
  return out;
}

}  // namespace kintsugi
