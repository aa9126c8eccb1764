#include "apps/info.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/cli/exit_codes.h"
#include "kernels/base/parallel.h"
#include "kernels/base/philox.h"
#include "kernels/base/simd.h"
#include "kernels/table.h"
#include "tensor/safetensors.h"

namespace kintsugi {
namespace {

nlohmann::ordered_json describe(const std::string& path) {
  const SafetensorsFile file(path);
  nlohmann::ordered_json out{{"file", path}, {"metadata", file.metadata()}};
  auto tensors = nlohmann::ordered_json::array();
  int64_t numbers = 0;
  uint64_t hash = fnv1a64("");
  for (const auto& name : file.names()) {
    const Tensor t = file.read(name);
    numbers += t.numel();
    hash = fnv1a64({static_cast<const char*>(t.raw()), t.bytes()}, fnv1a64(name, hash));
    tensors.push_back({{"name", name}, {"dtype", kintsugi::name(t.dtype())}, {"shape", std::vector<int64_t>(t.shape().begin(), t.shape().end())}});
  }
  out["numbers"] = numbers;
  out["hash"] = fmt::format("{:016x}", hash);
  out["tensors"] = tensors;
  return out;
}

void print(const nlohmann::ordered_json& d) {
  fmt::print("{}\n  {} tensors, {} numbers, hash {}\n", d["file"].get<std::string>(), d["tensors"].size(), d["numbers"].get<int64_t>(),
             d["hash"].get<std::string>());
  for (const auto& [k, v] : d["metadata"].items()) fmt::print("  {}: {}\n", k, v.get<std::string>());
  for (const auto& t : d["tensors"]) fmt::print("    {:<52} {:<5} {}\n", t["name"].get<std::string>(), t["dtype"].get<std::string>(), t["shape"].dump());
}

}  // namespace

std::string build_facts() {
  size_t rows = 0;
  for (const auto* f : all_families()) rows += f->row_infos().size();
  return fmt::format(
      "kintsugi {}\n  compiler   g++ {}.{}\n  SIMD       {} on this machine\n  threads    {}\n  kernels    {} families, {} rows\n"
      "  devices    cpu (no CUDA backend in this build)",
      KIN_VERSION, __GNUC__, __GNUC_MINOR__, name(simd_level()), threads(), all_families().size(), rows);
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
      const auto d = describe(path);
      if (json) list.push_back(d);
      else print(d);
    } catch (const Error& e) {
      ++failures;
      fmt::print(stderr, "{}\n", e.what());
    }
  }
  if (json) fmt::print("{}\n", list.dump(2));
  return failures == 0 ? kDone : failures == int(files.size()) ? kFailed : kSomeFailed;
}

}  // namespace kintsugi
