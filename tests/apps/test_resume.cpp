// kintsugi train, stopped in every way there is: what goes on afterwards must end with the bits of a run that never stopped.
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>

#include "tests/apps/tiny_run.h"
#include "tests/harness/running_program.h"

using namespace kintsugi;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

// States and validations fall on different steps, so that a stop can come between them.
const std::vector<std::string> kSettings = {"stage1.steps=5", "stage1.save_every=2", "stage1.validate_every=3", "stage2.steps=4",
                                            "stage2.save_every=1", "stage2.validate_every=2", "stage3.steps=10", "stage3.save_every=3"};

std::vector<std::string> arguments(const Scratch& folder, const std::vector<std::string>& more = {}) {
  std::vector<std::string> all{"train", write_text(folder / "tiny.toml", kTinyRecipe).string(), "-q", "--threads", "1", "--set",
                               "out=" + (folder / "run").string()};
  for (const auto& s : kSettings) all.insert(all.end(), {"--set", s});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string command_line(const std::vector<std::string>& arguments) {
  std::string line;
  for (const auto& a : arguments) line += " " + kintsugi::quoted(a);  // not std::quoted
  return line;
}

/// Waits for the end, which must be as told.
void ends_with(RunningProgram& program, int exit_code) {
  const int status = program.wait();
  CAPTURE(program.log());
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == exit_code);
}

void train_to_the_end(const Scratch& folder, const std::vector<std::string>& more = {}) {
  RunningProgram program(arguments(folder, more), folder / "log");
  ends_with(program, 0);
}

// Without the panel, which has times in it and looks back no further than the process lives.
std::vector<Json> metrics(const fs::path& run) {
  std::vector<Json> all = metrics_of(run);
  std::erase_if(all, [](const Json& values) { return values["stage"].get<std::string>().ends_with(" health"); });
  return all;
}

/// The manifest of a training state, read as any program could: from the file's header.
Json manifest(const fs::path& state) {
  const std::string bytes = content(state);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  return Json::parse(Json::parse(bytes.substr(8, length))["__metadata__"]["arguments"].get<std::string>());
}

const Scratch& uninterrupted() {
  static const Scratch folder;
  static const bool once = (train_to_the_end(folder), true);
  REQUIRE(once);
  return folder;
}

void check_same_as_uninterrupted(const Scratch& folder) {
  for (const char* file : {"vqgan.safetensors", "discriminator.safetensors", "codes.safetensors", "codeformer.safetensors", "best-vqgan.safetensors",
                           "best-codes.safetensors", "sheet.png"})
    CHECK_MESSAGE(content(folder / "run" / file) == content(uninterrupted() / "run" / file), file);
  CHECK(metrics(folder / "run") == metrics(uninterrupted() / "run"));
  for (const auto& entry : fs::directory_iterator(folder / "run/state")) CHECK_MESSAGE(entry.path().extension() != ".tmp", entry.path().string());
}

}  // namespace

TEST_CASE("train: killed at random moments and resumed each time, a run ends with the bits of one that was left alone") {
  const auto start = std::chrono::steady_clock::now();
  uninterrupted();
  const double whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const char* asked = std::getenv("KINTSUGI_TEST_KILLS");
  const int kills = asked ? std::atoi(asked) : 4;
  CAPTURE(kills);
  std::mt19937 random(7);
  const Scratch folder;
  for (int kill = 0; kill < kills; ++kill) {
    RunningProgram program(arguments(folder, {"--resume"}), folder / "log");
    std::this_thread::sleep_for(std::chrono::duration<double>(std::uniform_real_distribution<double>(0.1, 0.6)(random) * whole));
    if (program.running()) program.send(SIGKILL);
    program.wait();
  }
  train_to_the_end(folder, {"--resume"});
  check_same_as_uninterrupted(folder);
}

TEST_CASE("train: SIGTERM, SIGINT and SIGUSR1 save a state and exit 75, at any step of any stage") {
  std::mt19937 random(8);
  const Scratch folder;
  size_t seen = 0;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    CAPTURE(signal);
    RunningProgram program(arguments(folder, {"--resume"}), folder / "log");
    seen += 1 + random() % 2;
    program.wait_until([&] { return metrics(folder / "run").size() >= seen; });
    program.send(signal);
    ends_with(program, 75);
    CHECK(program.log().find("--resume goes on") != std::string::npos);
    seen = metrics(folder / "run").size();
  }
  train_to_the_end(folder, {"--resume"});
  check_same_as_uninterrupted(folder);
  // And once more: nothing is left to do, and the result is the same.
  train_to_the_end(folder, {"--resume"});
  check_same_as_uninterrupted(folder);
}

TEST_CASE("train: SIGTERM during a validation saves a state and exits 75; the validation is done again") {
  const std::vector<std::string> more = {"--stage", "1", "--set", "stage1.steps=2", "--set", "data.validation=64"};
  const Scratch whole, folder;
  train_to_the_end(whole, more);
  {
    RunningProgram program(arguments(folder, more), folder / "log");
    program.wait_until([&] { return metrics(folder / "run").size() == 2; });  // both steps are done
    program.send(SIGTERM);
    ends_with(program, 75);
  }
  CHECK(metrics(folder / "run").size() == 2);
  const Json saved = manifest(folder / "run/state/stage1-2.safetensors");
  CHECK(saved["step"] == 2);
  CHECK(saved["validated"] == false);
  std::vector<std::string> again = more;
  again.push_back("--resume");
  train_to_the_end(folder, again);
  CHECK(metrics(folder / "run") == metrics(whole / "run"));
  CHECK(metrics(folder / "run").back()["stage"] == "stage1 validation");
  CHECK(content(folder / "run/vqgan.safetensors") == content(whole / "run/vqgan.safetensors"));
}

TEST_CASE("train: a second signal ends it at once, by that signal") {
  // In the middle of a step that takes long. A first signal before that step is answered at once: then once more, waiting longer.
  for (int wait = 50;; wait *= 2) {
    REQUIRE(wait < 10000);
    const Scratch folder;
    RunningProgram program(arguments(folder, {"--set", "stage1.accumulate=5000"}), folder / "log");
    const auto first_state = folder / "run/state/stage1-0.safetensors";
    program.wait_until([&] { return fs::exists(first_state); });
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    program.send(SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    if (!program.running()) continue;
    program.send(SIGINT);
    const int status = program.wait();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 75) continue;
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGINT);
    CHECK(manifest(first_state)["step"] == 0);
    break;
  }
}

TEST_CASE("train: a disk that is full while a state is written leaves the states from before, and the run goes on from them") {
  const Scratch folder;
  {
    RunningProgram program(arguments(folder), folder / "log");
    program.wait_until([&] { return metrics(folder / "run").size() >= 3; });
    program.send(SIGTERM);
    ends_with(program, 75);
  }
  const auto states = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(folder / "run/state")) files[entry.path().filename().string()] = content(entry.path());
    return files;
  };
  const auto before = states();
  const ProgramRun full = run_program(command_line(arguments(folder, {"--resume"})), "ulimit -f 64;");
  check_refused(full, 1, {"state/stage", "writing failed", "File too large"});
  CHECK(states() == before);
  train_to_the_end(folder, {"--resume"});
  check_same_as_uninterrupted(folder);
}

TEST_CASE("train: an unfinished run is neither overwritten unasked nor resumed with another recipe") {
  const Scratch folder;
  {
    RunningProgram program(arguments(folder, {"--set", "stage1.steps=500"}), folder / "log");
    program.wait_until([&] { return metrics(folder / "run").size() >= 2; });
    program.send(SIGTERM);
    ends_with(program, 75);
  }
  const std::string before = content(folder / "run/metrics.jsonl"), recipe = content(folder / "run/recipe.toml");
  const std::string line = command_line(arguments(folder));
  check_refused(run_program(line), 2, {"holds an unfinished run (stage 1, step", "of 500", "--resume goes on", "--overwrite starts anew"});
  check_refused(run_program(line + " --resume --overwrite"), 2, {"--resume", "--overwrite"});
  check_refused(run_program(line + " --resume --set stage1.lr=0.5"), 1, {"another recipe", "stage1.lr was 0.001, is 0.5"});
  check_refused(run_program(line + " --resume --set data.hflip=false"), 1, {"another recipe", "data.hflip was true, is false"});
  CHECK(content(folder / "run/metrics.jsonl") == before);
  CHECK(content(folder / "run/recipe.toml") == recipe);

  // Another number of steps, other intervals and other names are no other recipe.
  int64_t step = 0;
  for (const Json& values : metrics(folder / "run"))
    if (values["stage"] == "stage1") step = values["step"].get<int64_t>() + 1;
  const ProgramRun longer = run_program(line + " --resume --stage 1 --set stage1.save_every=1 --set data.workers=2 --set name=x --set stage1.steps=" +
                                        std::to_string(step + 2));
  REQUIRE_MESSAGE(longer.exit_code == 0, longer.output);
  int64_t expected = 0;
  for (const Json& values : metrics(folder / "run"))
    if (values["stage"] == "stage1") CHECK(values["step"] == expected++);
  CHECK(expected == step + 2);
  CHECK(metrics(folder / "run").back()["stage"] == "stage1 validation");

  const ProgramRun anew = run_program(line + " --overwrite");
  REQUIRE_MESSAGE(anew.exit_code == 0, anew.output);
  check_same_as_uninterrupted(folder);
}

TEST_CASE("train: resumed on other pictures, it says so with both hashes") {
  const Scratch folder;
  for (int i = 0; i < 40; ++i) write_picture(folder / ("faces/" + std::to_string(i) + ".png"), 16, 16 + i);
  const std::string line = command_line(
      arguments(folder, {"--set", "data.source=" + (folder / "faces").string(), "--set", "data.holdout=0.2", "--stage", "1"}));
  const ProgramRun first = run_program(line);
  REQUIRE_MESSAGE(first.exit_code == 0, first.output);
  for (int i = 0; i < 9; ++i) write_picture(folder / ("faces/more" + std::to_string(i) + ".png"), 16, 99);  // some of them are for training
  const std::string before = content(folder / "run/metrics.jsonl");
  check_refused(run_program(line + " --resume --set stage1.steps=7"), 1, {"was started with another data: it was ", ", is "});
  CHECK(content(folder / "run/metrics.jsonl") == before);
}

TEST_CASE("train: the last states are kept, and the best by name") {
  const Scratch folder;
  train_to_the_end(folder, {"--stage", "1", "--set", "stage1.validate_every=1", "--set", "stage1.save_every=1", "--set", "keep_last=3"});
  const auto state = folder / "run/state";
  for (const char* name : {"stage1-3.safetensors", "stage1-4.safetensors", "stage1-5.safetensors", "stage1-best.safetensors"})
    CHECK_MESSAGE(fs::exists(state / name), name);
  CHECK(std::distance(fs::directory_iterator(state), fs::directory_iterator()) == 4);
  double best = -1;
  int64_t step = 0;
  for (const Json& line : metrics(folder / "run"))
    if (line["stage"] == "stage1 validation" && line["psnr"].get<double>() > best) best = line["psnr"], step = line["step"];
  CHECK(manifest(state / "stage1-5.safetensors")["best"] == Json({{"metric", "psnr"}, {"value", best}, {"step", step}}));
  CHECK(manifest(state / "stage1-best.safetensors")["step"] == step);
  CHECK(fs::exists(folder / "run/best-vqgan.safetensors"));
}

TEST_CASE("train: two processes do not share a run folder") {
  const Scratch folder;
  RunningProgram program(arguments(folder, {"--set", "stage1.accumulate=5000"}), folder / "log");
  program.wait_until([&] { return fs::exists(folder / "run/state/stage1-0.safetensors"); });
  check_refused(run_program(command_line(arguments(folder, {"--overwrite"}))), 1, {"another process is training in this folder"});
}
