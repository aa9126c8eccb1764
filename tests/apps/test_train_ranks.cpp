// kintsugi train on several ranks: the numbers of one process, and an end for all when one ends.
#include <map>
#include <sstream>
#include <thread>

#include "kernels/base/error.h"
#include "tensor/comm/mpi.h"
#include "tensor/comm/socket.h"
#include "tests/apps/tiny_run.h"
#include "tests/harness/mpirun.h"
#include "tests/harness/running_program.h"

using namespace kintsugi;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

// Every stage, the discriminator from its second step, codes revived, two validations: what a step may be made of.
const std::string kAll = "-q --set stage1.steps=8 --set stage2.steps=6 --set stage3.steps=6 --set stage1.batch=1 --set stage2.batch=1 --set stage3.batch=1 "
                         "--set stage1.revive_every=3 --set stage1.revive_until=5 --set stage1.validate_every=4 --threads 1 ";

std::string in_ranks(int ranks, int rank, int port) {
  return text("RANK=", rank, " WORLD_SIZE=", ranks, " LOCAL_RANK=", rank, " MASTER_ADDR=127.0.0.1 MASTER_PORT=", port);
}

/// `train` on so many ranks, in the way of torchrun; returns all ranks' ends.
std::vector<ProgramRun> train_on(int ranks, const Scratch& folder, const std::string& more) {
  const int port = comm::Listener(0).port();
  write_text(folder / "tiny.toml", kTinyRecipe);
  std::vector<ProgramRun> runs(size_t(ranks), ProgramRun{});
  std::vector<std::thread> threads;
  for (int r = 0; r < ranks; ++r)
    threads.emplace_back([&, r] {
      runs[size_t(r)] = run_program("train " + quoted(folder / "tiny.toml") + " --set out=" + quoted(folder / "run") + " " + more, in_ranks(ranks, r, port));
    });
  for (std::thread& t : threads) t.join();
  return runs;
}

// metrics.jsonl without times and memory.
std::vector<Json> numbers(const fs::path& run) {
  std::vector<Json> all = metrics_of(run);
  for (Json& values : all)
    for (const char* time : {"images_per_second", "data_wait", "tensors_mib", "process_mib", "eta_s"}) values.erase(time);
  return all;
}

}  // namespace

TEST_CASE("train on ranks: two ranks leave the bits of one process that accumulates their batches, and again the same") {
  const std::string twice = " --set stage1.accumulate=2 --set stage2.accumulate=2 --set stage3.accumulate=2";
  const Scratch alone;
  const ProgramRun one = train_tiny(alone, kAll + twice);
  REQUIRE_MESSAGE(one.exit_code == 0, one.output);
  for (int again = 0; again < 2; ++again) {
    const Scratch folder;
    const auto runs = train_on(2, folder, kAll);
    for (const auto& run : runs) REQUIRE_MESSAGE(run.exit_code == 0, run.output);
    CHECK(runs[0].out.find("  hash ") != std::string::npos);
    CHECK(runs[1].output == "");
    // What the discriminator's BatchNorm keeps in eyes of its own is another number of passes, and nothing of it reaches a weight.
    for (const char* file : {"vqgan.safetensors", "codes.safetensors", "codeformer.safetensors"})
      CHECK_MESSAGE(content(folder / "run" / file) == content(alone / "run" / file), file);
    const auto expected = numbers(alone / "run"), got = numbers(folder / "run");
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); ++i) CHECK_MESSAGE(got[i] == expected[i], got[i].dump() << " and " << expected[i].dump());
  }
}

TEST_CASE("train on ranks: a signal to one stops all at the same step, and they go on with the same bits") {
  const Scratch whole, folder;
  const std::string long_run = "-q --stage 2 --stage 3 --set stage2.steps=60 --set stage2.batch=1 --set stage3.batch=1 --threads 1 --from " + quoted(tiny_run().path) + " ";
  for (const auto& run : train_on(2, whole, long_run)) REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  write_text(folder / "tiny.toml", kTinyRecipe);
  const int port = comm::Listener(0).port();
  {
    std::vector<std::unique_ptr<RunningProgram>> ranks;
    for (int r = 0; r < 2; ++r) {
      std::istringstream words("-q train " + (folder / "tiny.toml").string() + " --set out=" + (folder / "run").string() +
                               " --stage 2 --stage 3 --set stage2.steps=60 --set stage2.batch=1 --set stage3.batch=1 --threads 1 --from " + tiny_run().path.string());
      std::vector<std::string> arguments;
      for (std::string w; words >> w;) arguments.push_back(w);
      const std::map<std::string, std::string> variables{
          {"RANK", text(r)}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", text(r)}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", text(port)}};
      for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
      ranks.push_back(std::make_unique<RunningProgram>(arguments, folder / text("log", r)));
      for (const auto& [name, value] : variables) ::unsetenv(name.c_str());
    }
    ranks[0]->wait_until([&] { return fs::exists(folder / "run/metrics.jsonl") && !content(folder / "run/metrics.jsonl").empty(); });
    ranks[1]->send(SIGTERM);
    for (const auto& rank : ranks) {
      const int status = rank->wait();
      CHECK_MESSAGE((WIFEXITED(status) && WEXITSTATUS(status) == 75), rank->log());
    }
  }
  const std::string recipe = content(folder / "run/recipe.toml");
  check_refused(train_tiny(folder, "-q --stage 2 --stage 3 --resume --set name=other --set stage2.steps=60 --set stage2.batch=1 --set stage3.batch=1"), 1,
                {"was started on 2 ranks, is now on 1"});
  CHECK(content(folder / "run/recipe.toml") == recipe);
  for (const auto& run : train_on(2, folder, long_run + "--resume")) REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(content(folder / "run/codeformer.safetensors") == content(whole / "run/codeformer.safetensors"));
}

TEST_CASE("train on ranks: what is wrong on one rank ends all, with its number") {
  const Scratch folder, nowhere;
  // Rank 1 finds a file where its folder for codes should be.
  const int port = comm::Listener(0).port();
  write_text(folder / "tiny.toml", kTinyRecipe);
  const std::string common = "train " + quoted(folder / "tiny.toml") + " -q --stage 2 --from " + quoted(tiny_run().path) + " --threads 1 --set out=" + quoted(folder / "run");
  std::vector<ProgramRun> runs(2);
  std::thread other([&] { runs[1] = run_program(common + " --set cache_codes=" + quoted(folder / "tiny.toml/x"), in_ranks(2, 1, port)); });
  runs[0] = run_program(common + " --set cache_codes=" + quoted(folder / "codes"), in_ranks(2, 0, port));
  other.join();
  for (const auto& run : runs) CHECK(run.exit_code == 1);
  CHECK_MESSAGE(runs[1].err.find("rank 1 of 2: ") != std::string::npos, runs[1].err);
  CHECK_MESSAGE(runs[0].err.find("rank 0 of 2: rank 1 failed: ") != std::string::npos, runs[0].err);
  CHECK_MESSAGE(runs[0].err.find("the folder for codes cannot be made") != std::string::npos, runs[0].err);

  // What one rank alone refuses leaves the run folder alone.
  const Scratch untouched;
  const int meeting = comm::Listener(0).port();
  write_text(untouched / "tiny.toml", kTinyRecipe);
  const std::string stage1 = "train " + quoted(untouched / "tiny.toml") + " -q --stage 1 --threads 1 --set out=" + quoted(untouched / "run");
  std::thread refusing([&] { runs[1] = run_program(stage1 + " --set watch.lpips_weights=" + quoted(untouched / "absent.st"), in_ranks(2, 1, meeting)); });
  runs[0] = run_program(stage1, in_ranks(2, 0, meeting));
  refusing.join();
  for (const auto& run : runs) CHECK(run.exit_code == 1);
  CHECK_MESSAGE(runs[0].err.find("rank 1 failed: ") != std::string::npos, runs[0].err);
  CHECK(!fs::exists(untouched / "run"));

  const ProgramRun variables = train_tiny(nowhere, "", "RANK=2 WORLD_SIZE=2 MASTER_ADDR=localhost MASTER_PORT=1");
  check_refused(variables, 2, {"torchrun: RANK must be below WORLD_SIZE = 2, got 2"});
}

TEST_CASE("train on ranks: a dead stage is told once; where the recipe says stop, all end with that exit code and their state saved") {
  const std::string dead = "-q --stage 1 --threads 1 --set stage1.batch=1 --set stage1.steps=8 --set stage1.gan_start=1000 --set watch.window=2 "
                           "--set watch.dead_steps=2 --set watch.dead_perplexity=1 ";  // no codebook is used that evenly
  const Scratch warned, stopped;
  const auto told = train_on(2, warned, dead);
  for (const auto& run : told) REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(count(told[0].err, "warning: stage1, step ") == 1);
  CHECK(told[1].output == "");

  const auto ended = train_on(2, stopped, dead + "--set watch.on_dead=stop ");
  check_refused(ended[0], 5, {"stage1, step ", "the codes have collapsed", "Its state is saved"});
  CHECK_MESSAGE(ended[1].exit_code == 5, ended[1].output);
  CHECK(ended[1].output == "");
  for (const auto& run : train_on(2, stopped, dead + "--resume --set watch.on_dead=warn ")) REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(content(stopped / "run/vqgan.safetensors") == content(warned / "run/vqgan.safetensors"));
}

TEST_CASE("train on ranks: mpirun") {
  std::string reason;
  if (!comm::open_mpi(reason) || std::system("command -v mpirun >/dev/null") != 0) {
    MESSAGE("not tested: ", reason.empty() ? "there is no mpirun" : reason);
    return;
  }
  const Scratch folder, sockets;
  const std::string stage = "-q --stage 2 --set stage2.batch=1 --threads 1 --from " + quoted(tiny_run().path) + " ";
  write_text(folder / "tiny.toml", kTinyRecipe);
  const ProgramRun run =
      run_program("train " + quoted(folder / "tiny.toml") + " --set out=" + quoted(folder / "run") + " " + stage, mpirun(2));
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(count(run.out, "  hash ") == 1);
  for (const auto& other : train_on(2, sockets, stage)) REQUIRE_MESSAGE(other.exit_code == 0, other.output);
  CHECK(content(folder / "run/codes.safetensors") == content(sockets / "run/codes.safetensors"));
}
