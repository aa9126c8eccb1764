#include "apps/convert.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/cli/exit_codes.h"
#include "apps/cli/json_text.h"
#include "models/known_files.h"
#include "tensor/sha256.h"

namespace kintsugi {
namespace {

namespace fs = std::filesystem;

// Numbers written.
int64_t convert_known(const KnownNet& net, const std::string& out, const Metadata& more) {
  ParameterStore store({.initialise = false, .device = {}});
  register_parameters(net, store);
  load_parameters(net.tensors, store);
  save_checkpoint(out, {net.kind, net.arguments}, {{"", &store}}, {}, more);
  return store.state_count();
}

int64_t convert_unknown(const KnownNet& net, const std::string& out, const Metadata& more) {
  NamedTensors tensors;
  int64_t numbers = 0;
  for (const std::string& name : net.tensors.names) {
    tensors.emplace_back(name, net.tensors.read(name));
    numbers += tensors.back().second.numel();
  }
  save_checkpoint(out, {net.kind, net.arguments}, {}, tensors, more);
  return numbers;
}

}  // namespace

int run_convert(const ConvertOptions& o) {
  std::error_code absent;
  if (fs::equivalent(o.in, o.out, absent)) throw UsageError(o.in + ": is also the output; give another name");
  if (is_own_checkpoint(o.in)) throw UsageError(o.in + ": is already a checkpoint of this program");
  const KnownNet net = open_network(o.in);
  const std::string sha256 = sha256_of_file(o.in), licence = licence_of(find_known_file(sha256), net), name = utf8_text(fs::path(o.in).filename().string());
  const Metadata more{{"converted_from", name},
                      {"converted_from_sha256", sha256},
                      {"licence", licence},
                      {"notice", "Converted by Kintsugi from " + name + " without change to its numbers. The rights in the weights stay with their "
                                 "authors, whose terms apply to this file too: " + licence + "."}};
  const int64_t numbers = net.known() ? convert_known(net, o.out, more) : convert_unknown(net, o.out, more);
  if (o.json) {
    const nlohmann::ordered_json report{{"in", o.in},
                                        {"out", o.out},
                                        {"kind", net.kind},
                                        {"arguments", nlohmann::json::parse(net.arguments)},
                                        {"tensors", net.tensors.names.size()},
                                        {"numbers", numbers},
                                        {"unused", net.unused},
                                        {"in_sha256", sha256},
                                        {"licence", licence}};
    fmt::print("{}\n", json_text(report));
    return kDone;
  }
  fmt::print("{} -> {}\n  {}\n  {} tensors, {} numbers\n", o.in, o.out, describe(net), net.tensors.names.size(), numbers);
  fmt::print("  licence: {}\n", licence);
  if (!net.unused.empty())
    fmt::print("  left out: {} tensors that the network has no use for, from {}\n", net.unused.size(), net.unused.front());
  if (!net.known())
    fmt::print(stderr, "{}: the network is not known here; its tensors were copied under kind \"unknown\"\n", o.in);
  return kDone;
}

}  // namespace kintsugi
