// What the tests of the program share: a recipe of seconds, a run trained from it once, pictures, and one check of a refusal.
#pragma once
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "data/image_file.h"
#include "tensor/atomic_file.h"
#include "tests/harness/program.h"

namespace kintsugi {

inline const char* const kTinyRecipe = R"(name = "tiny"
[data]
size = 16
identities = 4
validation = 2
[model]
nf = 32
ch_mult = [1, 2]
attn_resolutions = [8]
codebook_size = 16
emb_dim = 8
dim_embd = 16
n_head = 2
n_layers = 1
connect = [16]
ndf = 8
d_layers = 1
[stage1]
steps = 3
batch = 2
gan_start = 1
[stage2]
steps = 2
batch = 2
[stage3]
steps = 2
batch = 2
gan_start = 1
)";

inline std::string quoted(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

inline std::filesystem::path write_text(const std::filesystem::path& path, const std::string& text) {
  write_file(path, text.data(), text.size());
  return path;
}

/// `train RECIPE --set out=FOLDER/run ...` with the tiny recipe, written into the folder.
inline ProgramRun train_tiny(const Scratch& folder, const std::string& more = {}, const std::string& before = {}) {
  return run_program("train " + quoted(write_text(folder / "tiny.toml", kTinyRecipe)) + " --set out=" + quoted(folder / "run") + " " + more, before);
}

/// The run folder of one training of the tiny recipe, shared by all tests: read only.
struct TinyRun {
  Scratch folder;
  ProgramRun run = train_tiny(folder);
  std::filesystem::path path = folder / "run";
};
inline const TinyRun& tiny_run() {
  static const TinyRun once;
  REQUIRE_MESSAGE(once.run.exit_code == 0, once.run.output);
  return once;
}

/// A copy of the shared run's files that stages II and III read, where train_tiny() will look for them.
inline void copy_results(const Scratch& folder) {
  std::filesystem::create_directories(folder / "run");
  for (const char* file : {"vqgan.safetensors", "discriminator.safetensors", "codes.safetensors"})
    std::filesystem::copy(tiny_run().path / file, folder / "run" / file);
}

/// The lines of metrics.jsonl, of one kind ("stage1", "stage1 health", "stage1 validation") or of all. Of a run that is still being written, a
/// line that is not whole yet is left out.
inline std::vector<nlohmann::json> metrics_of(const std::filesystem::path& run, const std::string& stage = {}) {
  std::istringstream lines(content(run / "metrics.jsonl"));
  std::vector<nlohmann::json> found;
  for (std::string line; std::getline(lines, line);)
    if (auto values = nlohmann::json::parse(line, nullptr, false); !values.is_discarded() && (stage.empty() || values.at("stage") == stage))
      found.push_back(std::move(values));
  return found;
}

/// A picture with structure, of any size.
inline std::filesystem::path write_picture(const std::filesystem::path& path, int h, int w) {
  Image image(h, w);
  for (int i = 0; i < h * w * 3; ++i) image.pixels[size_t(i)] = float((i * 37 + i / w * 11) % 251) / 250;
  std::filesystem::create_directories(path.parent_path());
  write_image(path, image);
  return path;
}

inline int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

/// The program ended with `code`, said why on stderr in one error that contains every part, and put no result on stdout.
inline void check_refused(const ProgramRun& run, int code, const std::vector<std::string>& parts) {
  CAPTURE(run.output);
  CHECK(run.exit_code == code);
  CHECK(count(run.err, "kintsugi: ") == 1);
  CHECK(run.out == "");
  for (const auto& part : parts) CHECK_MESSAGE(run.err.find(part) != std::string::npos, part);
}

}  // namespace kintsugi
