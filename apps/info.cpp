#include "apps/info.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/cli/device_choice.h"
#include "apps/cli/exit_codes.h"
#include "apps/cli/json_text.h"
#include "kernels/base/parallel.h"
#include "kernels/base/philox.h"
#include "kernels/base/simd.h"
#include "kernels/table.h"
#include "models/known_files.h"
#include "nn/pth/pth_file.h"
#include "tensor/sha256.h"

namespace kintsugi {
namespace {

using Json = nlohmann::ordered_json;

// What only one of the formats has: metadata of safetensors; what lies beside the tensors in PyTorch's files.
void add_format_facts(const std::string& path, WeightFormat format, Json& out) {
  if (format == WeightFormat::safetensors) {
    out["metadata"] = SafetensorsFile(path).metadata();
    return;
  }
  const PthFile file(path);
  out["tensors_under"] = file.chosen();
  auto others = Json::array();
  for (const NonTensor& o : file.others()) others.push_back({{"name", o.name}, {"what", o.what}});
  out["others"] = others;
  out["more_others"] = file.more_others();
}

// The terms a file states itself, else those of a known file or of the network in it.
std::string licence_in(const std::string& path, const std::string& sha256, const KnownNet& net) {
  if (is_own_checkpoint(path)) {
    const Metadata metadata = SafetensorsFile(path).metadata();
    const auto stated = metadata.find("licence");
    return stated != metadata.end() ? stated->second : "none stated; trained by this program, on pictures whose terms apply";
  }
  return licence_of(find_known_file(sha256), net);
}

Json describe_file(const std::string& path) {
  const WeightFormat format = weight_format(path);
  Json out{{"file", path}, {"bytes", std::filesystem::file_size(path)}, {"format", name(format)}};
  const KnownNet net = open_network(path);
  out["kind"] = net.kind;
  out["network"] = describe(net);
  out["sha256"] = sha256_of_file(path);
  out["licence"] = licence_in(path, out["sha256"], net);
  if (net.known()) out["arguments"] = nlohmann::json::parse(net.arguments, nullptr, false);
  add_format_facts(path, format, out);
  auto tensors = Json::array();
  int64_t numbers = 0;
  uint64_t hash = fnv1a64("");
  const TensorSource source = open_checkpoint(path);
  for (const auto& name : source.names) {
    const Tensor t = source.read(name);
    numbers += t.numel();
    hash = fnv1a64({static_cast<const char*>(t.raw()), t.bytes()}, fnv1a64(name, hash));
    tensors.push_back({{"name", name},
                       {"dtype", kintsugi::name(t.dtype())},
                       {"shape", std::vector<int64_t>(t.shape().begin(), t.shape().end())}});
  }
  out["numbers"] = numbers;
  out["hash"] = fmt::format("{:016x}", hash);
  out["tensors"] = tensors;
  return out;
}

void print(const Json& d) {
  fmt::print("{}\n  {}, {} bytes: {}\n", d["file"].get<std::string>(), d["format"].get<std::string>(), d["bytes"].get<uint64_t>(),
             d["network"].get<std::string>());
  fmt::print("  {} tensors, {} numbers, hash {}\n", d["tensors"].size(), d["numbers"].get<int64_t>(),
             d["hash"].get<std::string>());
  fmt::print("  sha256 {}\n  licence: {}\n", d["sha256"].get<std::string>(), d["licence"].get<std::string>());
  if (d.contains("metadata"))
    for (const auto& [k, v] : d["metadata"].items())
      if (k != "licence") fmt::print("  {}: {}\n", k, v.get<std::string>());
  if (d.contains("others")) {
    if (const auto under = d["tensors_under"].get<std::string>(); !under.empty()) fmt::print("  tensors under: {}\n", under);
    for (const auto& o : d["others"])
      fmt::print("  beside them: {} = {}\n", o["name"].get<std::string>(), o["what"].get<std::string>());
    if (const auto more = d["more_others"].get<size_t>(); more > 0) fmt::print("  and {} more values\n", more);
  }
  for (const auto& t : d["tensors"])
    fmt::print("    {:<52} {:<5} {}\n", t["name"].get<std::string>(), t["dtype"].get<std::string>(), t["shape"].dump());
}

}  // namespace

std::string build_facts() {
  size_t rows = 0;
  for (const auto* f : all_families()) rows += f->row_infos().size();
  return fmt::format(
      "kintsugi {}\n  compiler   g++ {}.{}\n  SIMD       {} on this machine\n  threads    {}\n  kernels    {} families, {} rows\n"
      "  devices    {}",
      KIN_VERSION, __GNUC__, __GNUC_MINOR__, name(simd_level()), threads(), all_families().size(), rows, device_facts());
}

int run_info(const std::vector<std::string>& files, bool json) {
  if (files.empty()) {
    fmt::print("{}\n", build_facts());
    return kDone;
  }
  int failures = 0;
  auto list = nlohmann::ordered_json::array();
  for (const auto& path : files) {
    try {
      const auto d = describe_file(path);
      if (json) list.push_back(d);
      else print(d);
    } catch (const Error& e) {
      ++failures;
      fmt::print(stderr, "kintsugi: {}\n", e.what());
    }
  }
  if (json) fmt::print("{}\n", json_text(list));
  return failures == 0 ? kDone : failures == int(files.size()) ? kFailed : kSomeFailed;
}

}  // namespace kintsugi
