// `kintsugi parity` over the recorded vectors, and proof that it can fail.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/harness/golden.h"
#include "tests/harness/program.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

const std::string kRecorded = std::string(KIN_SOURCE_DIR) + "/tests/golden";

std::string shell_path(const fs::path& path) { return "'" + path.string() + "'"; }

/// Copies a file of tests/golden, after `change` has seen its tensors and metadata.
template <class Change>
void copy_changed(const std::string& name, const fs::path& to, Change&& change) {
  const SafetensorsFile file(kRecorded + "/" + name);
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const std::string& n : file.names()) tensors.emplace_back(n, file.read(n));
  std::map<std::string, std::string> metadata = file.metadata();
  change(tensors, metadata);
  fs::create_directories(to.parent_path());
  write_safetensors(to.string(), tensors, metadata);
}

}  // namespace

TEST_CASE("parity: every vector kept with the source holds") {
  const ProgramRun run = run_program("parity --failures " + shell_path(kRecorded));
  CHECK_MESSAGE(run.exit_code == 0, run.output);
  CHECK_MESSAGE(run.output.find("0 not built yet, 0 unknown") != std::string::npos, run.output);
}

TEST_CASE("parity: the training steps compare every tensor that their files hold") {
  const Scratch folder;
  const ProgramRun run = run_program("parity --failures " + shell_path(kRecorded) + " --only 'tiny_step*' --json " + shell_path(folder / "results.json"));
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  std::ifstream in(folder / "results.json");
  const nlohmann::json results = nlohmann::json::parse(in);
  for (const char* stage : {"tiny_step_stage1", "tiny_step_stage2", "tiny_step_stage3"}) {
    const SafetensorsFile file(kRecorded + "/" + stage + ".safetensors");
    CHECK(file.names().size() >= 27);
    for (const std::string& name : file.names()) {
      const bool compared = std::any_of(results["comparisons"].begin(), results["comparisons"].end(), [&](const auto& row) {
        const std::string tensor = row["tensor"];  // of a table or a list, several rows: "losses l_g_pix"
        return row["case"].template get<std::string>().starts_with(stage) && (tensor == name || tensor.starts_with(name + " "));
      });
      CHECK_MESSAGE(compared, stage << " " << name);
    }
  }
}

TEST_CASE("parity: one changed value is found, and reported in the table and in JSON") {
  const Scratch folder;
  copy_changed("ops_linear.safetensors", folder / "ops_linear.safetensors", [](auto& tensors, auto&) {
    for (auto& [name, t] : tensors)
      if (name == "bmm/grad_b") t.template data<double>()[17] += 1e-3;
  });
  const ProgramRun run = run_program("parity " + shell_path(folder.path()) + " --json " + shell_path(folder / "results.json"));
  CHECK_MESSAGE(run.exit_code == 4, run.output);
  CHECK(run.output.find("FAILED:\n  ops_linear/bmm\n") != std::string::npos);
  std::ifstream in(folder / "results.json");
  const nlohmann::json results = nlohmann::json::parse(in);
  CHECK(results["failed"] == 2);  // in f64 and in f32
  for (const auto& row : results["comparisons"])
    CHECK(row["ok"].get<bool>() == (row["case"] != "ops_linear/bmm" || row["tensor"] != "grad_b"));
}

TEST_CASE("parity: weights follow from the salt, and a wrong gradient of a network is no kink") {
  const Scratch folder;
  copy_changed("tiny_vqautoencoder.safetensors", folder / "salt" / "tiny_vqautoencoder.safetensors",
               [](auto&, auto& metadata) { metadata["salt"] = "another"; });
  const ProgramRun salted = run_program("parity " + shell_path(folder / "salt"));
  CHECK(salted.exit_code == 4);
  CHECK(salted.output.find("out ") != std::string::npos);

  // One entry of 9216 moves the gradient by less than what a kink may explain in f32; f64 sees it.
  copy_changed("tiny_vqautoencoder.safetensors", folder / "gradient" / "tiny_vqautoencoder.safetensors", [](auto& tensors, auto&) {
    for (auto& [name, t] : tensors)
      if (name == "grad/encoder.blocks.1.conv1.weight") {
        double largest = 0;
        for (float v : t.template span<float>()) largest = std::max(largest, std::abs(double(v)));
        t.template data<float>()[17] += float(largest);
      }
  });
  const ProgramRun wrong = run_program("parity --failures " + shell_path(folder / "gradient"));
  CHECK_MESSAGE(wrong.exit_code == 4, wrong.output);
  CHECK_MESSAGE(wrong.output.find(" f64     l2 ") != std::string::npos, wrong.output);
}

TEST_CASE("parity: a case that throws has failed; an unknown one is listed by name") {
  const Scratch folder;
  copy_changed("ops_linear.safetensors", folder / "ops_linear.safetensors", [](auto& tensors, auto& metadata) {
    nlohmann::json cases = nlohmann::json::parse(metadata["cases"]);
    cases["spline"] = {{"op", "a spline"}};
    metadata["cases"] = cases.dump();
    std::erase_if(tensors, [](const auto& t) { return t.first == "bmm/out"; });
  });
  copy_changed("ops_linear.safetensors", folder / "sub" / "nobody_knows.safetensors", [](auto&, auto&) {});
  const ProgramRun run = run_program("parity " + shell_path(folder.path()));
  CHECK_MESSAGE(run.exit_code == 4, run.output);
  CHECK(run.output.find("bmm/out") != std::string::npos);
  CHECK(run.output.find("unknown:\n  ops_linear/spline\n  sub/nobody_knows\n") != std::string::npos);
  for (const std::string& alone : {shell_path(folder.path()) + " --only nobody", shell_path(folder / "sub" / "nobody_knows.safetensors")}) {
    const ProgramRun nothing = run_program("parity " + alone);
    CHECK(nothing.exit_code == 2);
    CHECK_MESSAGE(nothing.err.find("nothing was compared") != std::string::npos, nothing.output);
    CHECK(nothing.err.find("nobody_knows") != std::string::npos);
  }
  const ProgramRun excepted = run_program("parity " + shell_path(folder.path()) + " --except spline --except bmm");
  CHECK_MESSAGE(excepted.exit_code == 0, excepted.output);
  CHECK(excepted.output.find("left out:\n  ops_linear/bmm\n  ops_linear/spline\n") != std::string::npos);
}

TEST_CASE("parity: nothing to check is an error of the caller") {
  const Scratch folder;
  CHECK(run_program("parity " + shell_path(folder.path())).exit_code == 2);
  CHECK(run_program("parity " + shell_path(folder / "absent")).exit_code == 2);
  CHECK(run_program("parity " + shell_path(kRecorded) + " --only no_such_case").exit_code == 2);
}

TEST_CASE("parity: every vector recorded beside the source holds") {
  if (golden_folder().empty()) {
    MESSAGE("skipped: no folder of golden files beside the source");
    return;
  }
  // Gigabytes or many seconds of one core each; `kintsugi parity` on that folder runs them.
  std::string except;
  for (const std::string full : {"codeformer_full", "codeformer_full_grads", "vqgan_full_step", "arcface/iresnet50"}) {
    MESSAGE("left out, a network of full size: " << full);
    except += " --except " + full;
  }
  const ProgramRun run = run_program("parity --failures" + except + " " + shell_path(golden_folder()));
  CHECK_MESSAGE(run.exit_code == 0, run.output);
}
