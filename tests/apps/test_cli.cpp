// The command line itself: usage errors, exit codes, what goes to which stream.
#include <nlohmann/json.hpp>

#include "kernels/base/device_runtime.h"
#include "tests/apps/tiny_run.h"

using namespace kintsugi;

TEST_CASE("cli: an unknown command or option is named, with a guess at what was meant") {
  check_refused(run_program("frobnicate"), 2, {"unknown command frobnicate", "kintsugi --help"});
  check_refused(run_program("trian recipe.toml"), 2, {"unknown command trian", "did you mean train?"});
  check_refused(run_program("restore x.png --weights w --wieghts y"), 2,
                {"unknown option --wieghts", "did you mean --weights?", "kintsugi restore --help"});
  check_refused(run_program("train --stagee 1"), 2, {"unknown option --stagee", "did you mean --stage?"});
  check_refused(run_program(""), 2, {"subcommand is required"});
  check_refused(run_program("train"), 2, {"RECIPE is required", "kintsugi train --help"});
  check_refused(run_program("kernels --threads 0"), 2, {"--threads", "0"});
  check_refused(run_program("kernels --threads many"), 2, {"--threads", "many"});
}

TEST_CASE("cli: a device that is not there, kernels that are not there") {
  // What stands between a machine without a GPU and one: no toolkit when it was built, or no driver.
  if (device_runtime(DeviceKind::cuda).count() == 0)
    check_refused(run_program("kernels --device cuda"), 1, {"--device cuda: " + device_runtime(DeviceKind::cuda).refuses(0), "use --device cpu"});
  check_refused(run_program("kernels --device abacus"), 2, {"--device", "abacus", "cpu"});
  check_refused(run_program("kernels --kernels conv9=fast"), 2, {"conv9=fast", "no family", "conv2d_fwd"});
  check_refused(run_program("kernels --kernels conv2d_fwd=slow"), 2,
                {"conv2d_fwd=slow", "no such row", "conv2d_fwd=fast", "conv2d_fwd=ref"});
  check_refused(run_program("kernels --kernels conv2d_fwd"), 2, {"must be FAMILY=ROW"});
  CHECK(run_program("kernels --kernels conv2d_fwd=ref").exit_code == 0);
}

TEST_CASE("cli: every command explains itself") {
  for (const char* command : {"", "demo", "train", "prepare", "restore", "kernels", "bench", "info", "gradcheck", "convert", "parity"}) {
    const ProgramRun run = run_program(std::string(command) + " --help");
    CAPTURE(run.output);
    CHECK(run.exit_code == 0);
    CHECK(run.err == "");
    const size_t example = run.out.find("\n  kintsugi " + std::string(command)), usage = run.out.find("Usage: kintsugi");
    CHECK(usage != std::string::npos);
    CHECK(example < usage);
    CHECK(run.out.find("--threads") != std::string::npos);
  }
}

TEST_CASE("cli: --version says what was built") {
  const ProgramRun run = run_program("--version");
  CHECK(run.exit_code == 0);
  for (const char* fact : {"kintsugi ", "compiler", "SIMD", "threads", "kernels", "devices"})
    CHECK_MESSAGE(run.out.find(fact) != std::string::npos, fact);
}

TEST_CASE("cli: JSON on stdout parses") {
  const auto kernels = nlohmann::json::parse(run_program("kernels --json").out);
  CHECK(kernels.size() > 20);
  for (const auto& family : kernels) CHECK(family["rows"].back()["name"] == "ref");
  const auto info = nlohmann::json::parse(run_program("info --json " + quoted(tiny_run().path / "vqgan.safetensors")).out);
  CHECK(info[0]["kind"] == "vqgan");
}

TEST_CASE("cli: info and parity on what they cannot read") {
  const Scratch folder;
  const auto text = write_text(folder / "notes.safetensors", "not weights at all");
  check_refused(run_program("info " + quoted(text)), 1, {"notes.safetensors", "expected safetensors or a PyTorch checkpoint"});
  check_refused(run_program("info " + quoted(folder / "missing")), 1, {"missing", "No such file"});
  check_refused(run_program("info " + quoted(folder.path())), 1, {folder.path().string(), "not a file"});
  const ProgramRun some = run_program("info " + quoted(text) + " " + quoted(tiny_run().path / "vqgan.safetensors"));
  CHECK(some.exit_code == 3);
  CHECK(some.out.find("vqgan") != std::string::npos);
  check_refused(run_program("parity " + quoted(folder / "missing")), 2, {"no such folder", "missing"});
  check_refused(run_program("parity " + quoted(tiny_run().folder.path() / "none")), 2, {"none"});
}
