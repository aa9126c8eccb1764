// kintsugi train, watched: event files, the health panel, LPIPS, and stages that are dead.
#include <pty.h>
#include <unistd.h>

#include <cmath>

#include "models/known_nets.h"
#include "models/losses/lpips.h"
#include "nn/checkpoint.h"
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

void check_has(const Json& line, const std::vector<std::string>& names) {
  for (const auto& name : names) CHECK_MESSAGE(line.contains(name), name << " in " << line.dump());
}

/// LPIPS with weights at random, as a file.
fs::path write_lpips(const fs::path& path) {
  ParameterStore store({.seed = 3});
  const Lpips net(store.root());
  save_checkpoint(path.string(), {kLpipsKind, "{}"}, {{"", &store}});
  return path;
}

// What collapses codes in a few steps, from 9 in use to less than 2: a rate that throws the encoder's output far to one side of the codebook.
const std::string kCollapse = "--stage 1 --set stage1.steps=12 --set stage1.gan_start=1000 --set watch.window=2 --set watch.dead_steps=3 "
                              "--set watch.dead_perplexity=0.25 --set stage1.lr=1 --set stage1.lr_end=1 ";

}  // namespace

TEST_CASE("train: the health panel of each stage, and what a step tells") {
  const fs::path run = tiny_run().path;
  const std::vector<std::string> all = {"live_codes", "perplexity", "grad_norm", "grad_norm/encoder", "lr", "images_per_second", "data_wait", "tensors_mib",
                                        "process_mib", "eta_s"};
  for (const char* stage : {"stage1", "stage2", "stage3"}) {
    const auto health = metrics_of(run, std::string(stage) + " health");
    REQUIRE(health.size() == 1);
    check_has(health[0], all);
    CHECK(health[0]["live_codes"] >= 1);
    CHECK(health[0]["live_codes"] <= 16);
    CHECK(health[0]["perplexity"] <= health[0]["live_codes"].get<double>() + 1e-9);
    CHECK(health[0]["data_wait"] <= 1);
    CHECK(health[0]["process_mib"] > health[0]["tensors_mib"].get<double>());
    CHECK(health[0]["eta_s"] == 0);
    // The whole gradient is as long as its parts together; each is a mean over steps, so this is exact for one step only.
    CHECK(health[0]["grad_norm"] >= health[0]["grad_norm/encoder"].get<double>());
    if (stage != std::string("stage2")) check_has(health[0], {"out_d_real", "out_d_fake", "adaptive_weight", "clamp_rate", "grad_norm_d"});
    if (stage != std::string("stage1")) check_has(health[0], {"code_accuracy", "cross_entropy_loss"});
  }
  check_has(metrics_of(run, "stage1").back(), {"d_weight_at_max", "grad_norm_d", "lr_d"});
  for (const auto& step : metrics_of(run, "stage2")) {
    const double tokens = 2 * 64, hits = step["code_accuracy"].get<double>() * tokens;
    CHECK(hits == std::round(hits));
  }
  CHECK(tiny_run().run.out.find("tensorboard --logdir " + run.string() + "/events") != std::string::npos);
  CHECK(tiny_run().run.out.find(run.string() + "/sheet.png") != std::string::npos);
}

TEST_CASE("train: gradient norms per module make up the whole") {
  const Scratch folder;
  REQUIRE(train_tiny(folder, "-q --stage 1 --set watch.window=1").exit_code == 0);
  const auto health = metrics_of(folder / "run", "stage1 health"), steps = metrics_of(folder / "run", "stage1");
  REQUIRE(health.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    double squares = 0;
    for (const auto& [name, value] : health[i].items())
      if (name.starts_with("grad_norm/")) squares += value.get<double>() * value.get<double>();
    CHECK(std::sqrt(squares) == doctest::Approx(steps[i]["grad_norm"].get<double>()).epsilon(1e-9));
    CHECK(health[i]["step"] == i);
  }
}

TEST_CASE("train: TensorBoard reads every number of metrics.jsonl") {
  const char* chosen = std::getenv("KINTSUGI_PYTHON");
  const std::string python = chosen ? chosen : "python3", script = KIN_SOURCE_DIR "/tests/yardstick/events.py";
  const auto check = [&](const fs::path& run, const Scratch& folder) {
    const int status = std::system((kintsugi::quoted(python) + " " + kintsugi::quoted(script) + " " + quoted(run) + " >" + quoted(folder / "said") + " 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  const Scratch folder;
  int status = check(tiny_run().path, folder);
  if (status == 77 || status == 127) {
    MESSAGE("not run: ", python, " with tensorboard is not there (KINTSUGI_PYTHON names another)");
    return;
  }
  CHECK_MESSAGE(status == 0, content(folder / "said"));
  // The check can fail: a line more than the event files have.
  fs::copy(tiny_run().path, folder / "run", fs::copy_options::recursive);
  const std::string metrics = content(folder / "run/metrics.jsonl");
  write_text(folder / "run/metrics.jsonl", metrics + metrics.substr(0, metrics.find('\n') + 1));
  CHECK(check(folder / "run", folder) == 4);
}

TEST_CASE("train: event files of a run that goes on have no step twice, and those of a run started anew nothing of the old one") {
  const Scratch folder;
  const std::string more = "-q --stage 1 --set stage1.save_every=1 --set stage1.validate_every=2 ";
  const auto size_of = [&] {
    uintmax_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(folder / "run/events/stage1")) bytes += fs::file_size(entry.path());
    return bytes;
  };
  REQUIRE(train_tiny(folder, more + "--set stage1.steps=4").exit_code == 0);
  const uintmax_t once = size_of();
  fs::remove(folder / "run/state/stage1-4.safetensors");
  REQUIRE(fs::exists(folder / "run/state/stage1-3.safetensors"));
  const ProgramRun again = train_tiny(folder, more + "--set stage1.steps=4 --resume");
  REQUIRE_MESSAGE(again.exit_code == 0, again.output);
  // The second file's version record (40 bytes) and the note of its start (31); the last panel may be of fewer steps, but not of fewer numbers.
  CHECK(size_of() == once + 40 + 31);
  REQUIRE(train_tiny(folder, more + "--set stage1.steps=4 --overwrite").exit_code == 0);
  CHECK(size_of() == once);
}

TEST_CASE("train: LPIPS on validation where there are weights for it") {
  const Scratch folder;
  const fs::path weights = write_lpips(folder / "lpips.safetensors");
  const std::string key = "--set watch.lpips_weights=" + quoted(weights);
  check_refused(train_tiny(folder, "--set watch.lpips_weights=" + quoted(folder / "absent.st")), 1, {"absent.st", "No such file"});
  CHECK(!fs::exists(folder / "run"));
  const ProgramRun run = train_tiny(folder, "-q --set stage1.steps=1 --set stage2.steps=1 --set stage3.steps=1 " + key);
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(run.out.find(" LPIPS; w = 0: ") != std::string::npos);
  const auto redrawn = metrics_of(folder / "run", "stage1 validation"), restored = metrics_of(folder / "run", "stage3 validation");
  REQUIRE(redrawn.size() == 1);
  REQUIRE(restored.size() == 1);
  CHECK(redrawn[0]["lpips"].get<double>() != 0);
  check_has(restored[0], {"lpips_degraded", "lpips_w0", "lpips_w0.5", "lpips_w1"});
  CHECK(metrics_of(tiny_run().path, "stage1 validation")[0].contains("lpips") == false);
  // Where the perceptual loss is LPIPS, its weights serve. The loss itself does not change a network that takes no step.
  const Scratch other;
  const ProgramRun same = train_tiny(other, "-q --stage 1 --set stage1.steps=0 --set perceptual=lpips --set perceptual_weights=" + quoted(weights));
  REQUIRE_MESSAGE(same.exit_code == 0, same.output);
  const Scratch third;
  REQUIRE(train_tiny(third, "-q --stage 1 --set stage1.steps=0 " + key).exit_code == 0);
  CHECK(metrics_of(other / "run", "stage1 validation")[0]["lpips"] == metrics_of(third / "run", "stage1 validation")[0]["lpips"]);
}

TEST_CASE("train: a collapsed codebook is told, and stops the run where the recipe says so") {
  const Scratch warned;
  const ProgramRun on = train_tiny(warned, "-q " + kCollapse);
  REQUIRE_MESSAGE(on.exit_code == 0, on.output);
  CHECK(count(on.err, "warning: stage1, step ") == 1);
  CHECK(on.err.find("the codes have collapsed: perplexity ") != std::string::npos);
  CHECK(metrics_of(warned / "run", "stage1").size() == 12);

  const Scratch stopped;
  const ProgramRun dead = train_tiny(stopped, "-q --set watch.on_dead=stop " + kCollapse);
  check_refused(dead, 5, {"stage1, step ", "the codes have collapsed: perplexity ", " of 16 codes, below watch.dead_perplexity = 0.25, for 3 steps", "--resume"});
  const auto steps = metrics_of(stopped / "run", "stage1");
  CHECK(steps.size() >= 4);  // a full window, and three steps
  CHECK(steps.size() < 12);
  CHECK(!fs::exists(stopped / "run/vqgan.safetensors"));
  const ProgramRun rest = train_tiny(stopped, "-q --resume --set watch.on_dead=warn " + kCollapse);
  REQUIRE_MESSAGE(rest.exit_code == 0, rest.output);
  CHECK(metrics_of(stopped / "run", "stage1").size() == 12);
  CHECK(content(stopped / "run/vqgan.safetensors") == content(warned / "run/vqgan.safetensors"));
}

TEST_CASE("train: on a terminal the panel stands below the bar") {
  const Scratch folder;
  const std::string recipe = write_text(folder / "tiny.toml", kTinyRecipe).string(), out = "out=" + (folder / "run").string();
  int terminal = -1;
  winsize size = {};
  size.ws_col = 60;
  size.ws_row = 24;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  REQUIRE(child >= 0);
  if (child == 0) {
    ::execl(KIN_PROGRAM, KIN_PROGRAM, "train", recipe.c_str(), "--set", out.c_str(), "--stage", "1", nullptr);
    ::_exit(127);
  }
  std::string shown;
  char part[512];
  for (ssize_t n; (n = ::read(terminal, part, sizeof part)) > 0;) shown.append(part, size_t(n));
  ::close(terminal);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CAPTURE(shown);
  CHECK(WEXITSTATUS(status) == 0);
  const size_t bar = shown.find("\r\033[Kstage1"), panel = shown.find("\r\033[Kcodes ", bar);
  REQUIRE(bar != std::string::npos);
  REQUIRE(panel != std::string::npos);
  CHECK(shown.substr(panel).find("/16, perplexity ") < 20);
  const size_t end = shown.find("\033[A", panel);
  REQUIRE(end != std::string::npos);
  CHECK(end - panel - 4 == 59);  // cut to the terminal's width
  CHECK(shown.find("\r\033[Jstage 1: the codebook redraws") != std::string::npos);  // a line takes the panel's place
}
