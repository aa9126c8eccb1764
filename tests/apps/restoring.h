// What the tests of `kintsugi restore` share: a call with the tiny run's network, and that network in the test's own hands.
#pragma once
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "autograd/var.h"
#include "data/batch.h"
#include "data/bytes.h"
#include "models/codeformer/codeformer.h"
#include "nn/checkpoint.h"
#include "tests/apps/tiny_run.h"

namespace kintsugi {

/// `restore INPUTS --weights RUN -o OUT MORE`; inputs are quoted already.
inline std::string restore_command(const std::string& inputs, const std::filesystem::path& out, const std::string& more = {}) {
  return "restore " + inputs + " --weights " + quoted(tiny_run().path) + " -o " + quoted(out) + " " + more;
}

inline ProgramRun restore(const std::filesystem::path& in, const std::filesystem::path& out, const std::string& more = {},
                          const std::string& before = {}) {
  return run_program(restore_command(quoted(in), out, more), before);
}

/// Files below a folder, relative, sorted; hidden ones too.
inline std::vector<std::string> files_below(const std::filesystem::path& folder) {
  std::vector<std::string> out;
  if (!std::filesystem::exists(folder)) return out;
  for (const auto& e : std::filesystem::recursive_directory_iterator(folder))
    if (!e.is_directory()) out.push_back(e.path().lexically_relative(folder).string());
  std::sort(out.begin(), out.end());
  return out;
}

/// The tiny run's CodeFormer; its pictures are 16 x 16.
struct TinyNet {
  static constexpr int kSize = 16;
  ParameterStore store{StoreOptions{.initialise = false, .device = {}}};
  std::unique_ptr<CodeFormer> net;
  TinyNet() {
    const std::string file = (tiny_run().path / "codeformer.safetensors").string();
    net = std::make_unique<CodeFormer>(store.root(), codeformer_args_from_json(checkpoint_info(SafetensorsFile(file)).arguments));
    load_checkpoint(file, kCodeFormerKind, store);
    store.eval();
  }
  /// The 8-bit picture that the network makes of a 16 x 16 one.
  Image operator()(const Image& seen, double w, bool adain) const {
    const NoGrad off;
    Image out = to_image((*net)(to_tensor(seen), {.w = w, .adain = adain}).image.value());
    round_to_bytes(out);
    return out;
  }
};

}  // namespace kintsugi
