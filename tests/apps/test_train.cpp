// kintsugi train: recipes that are wrong, stages out of order, numbers that stop being finite, and a whole run.
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

std::string hash_line(const ProgramRun& run) { return run.out.substr(run.out.find("  hash ")); }

/// A copy of the tiny run's folder where train_tiny() will look for it.
void copy_run(const Scratch& folder) { fs::copy(tiny_run().path, folder / "run"); }

}  // namespace

TEST_CASE("train: three stages end to end, the same from run to run and for any number of threads") {
  const TinyRun& first = tiny_run();
  for (const char* file : {"recipe.toml", "vqgan.safetensors", "discriminator.safetensors", "codes.safetensors",
                           "codeformer.safetensors", "sheet.png"})
    CHECK_MESSAGE(fs::exists(first.path / file), file);
  CHECK(metrics_of(first.path).size() == 3 + 2 + 2 + 2 * 3);  // steps, and per stage a health panel and a validation
  CHECK(count(content(first.path / "metrics.jsonl"), "\n") == 3 + 2 + 2 + 2 * 3);
  CHECK(first.run.out.find("codeformer.safetensors  hash ") != std::string::npos);
  CHECK(first.run.out.find("stage1") == std::string::npos);
  CHECK(first.run.err.find("stage1 3/3") != std::string::npos);
  CHECK(first.run.output.find('\033') == std::string::npos);
  for (const char* threads : {"--threads 1", "--threads 2"}) {
    const Scratch folder;
    const ProgramRun again = train_tiny(folder, std::string("-q ") + threads);
    CHECK_MESSAGE(again.exit_code == 0, again.output);
    CHECK(again.err == "");
    CHECK(hash_line(again) == hash_line(first.run));
    CHECK(content(folder / "run/codeformer.safetensors") == content(first.path / "codeformer.safetensors"));
  }
}

TEST_CASE("train: a resolved recipe reads back to itself") {
  const Scratch folder;
  const ProgramRun once = train_tiny(folder, "--print");
  REQUIRE(once.exit_code == 0);
  const ProgramRun twice = run_program("train " + quoted(write_text(folder / "resolved.toml", once.out)) + " --print");
  CHECK(twice.out == once.out);
  const ProgramRun set_first = run_program("train --set seed=7 " + quoted(folder / "tiny.toml") + " --print");
  CHECK(set_first.out.find("seed = 7\n") != std::string::npos);
  CHECK(!fs::exists(folder / "run"));
}

TEST_CASE("train: recipes that are wrong are refused with file, line, expected and found") {
  const Scratch folder;
  const auto with = [&](const std::string& recipe) {
    return run_program("train " + quoted(write_text(folder / "r.toml", recipe)));
  };
  check_refused(run_program("train " + quoted(folder / "absent.toml")), 2, {"absent.toml", "could not be opened"});
  check_refused(run_program("train " + quoted(folder.path())), 2, {"expected a TOML file, found a folder"});
  check_refused(with("seed = 1\nout == 2\n"), 2, {"r.toml:2: not TOML"});
  check_refused(with("seed = \"one\"\n"), 2, {"r.toml:1: seed must be a whole number", "got 'one' (string)"});
  check_refused(with("[data]\n\nsize = 64.5\n"), 2, {"r.toml:3: data.size must be a whole number from 16 to 2048", "got 64.5"});
  check_refused(with("[stage1]\nbatch = 0\n"), 2, {"r.toml:2: stage1.batch must be a whole number from 1", "got 0"});
  check_refused(with("[degrade]\nnoise = [9, 3]\n"), 2, {"r.toml:2: degrade.noise must be [low, high]"});
  check_refused(with("[stage1]\nbacth = 4\n"), 2, {"r.toml:2: unknown key stage1.bacth; did you mean stage1.batch?"});
  check_refused(with("perceptual = \"vgg\"\n"), 2, {"perceptual must be one of none, vgg19, lpips", "got 'vgg'"});
  check_refused(with("[model]\nd_layers = 5\n[stage1]\ngan_start = 1\n"), 2, {"model.d_layers", "got 5"});
  check_refused(with("[model]\nattn_resolutions = [17]\n"), 2, {"model.attn_resolutions: 17 is not a resolution"});
}

TEST_CASE("train: --set is as strict as the recipe") {
  const Scratch folder;
  check_refused(train_tiny(folder, "--set nonsense"), 2, {"--set nonsense: must be KEY=VALUE"});
  check_refused(train_tiny(folder, "--set data.sise=32"), 2, {"--set: unknown key data.sise; did you mean data.size?"});
  check_refused(train_tiny(folder, "--set stage1.steps=few"), 2, {"--set: stage1.steps must be a whole number", "got 'few'"});
  check_refused(train_tiny(folder, "--stage 4"), 2, {"--stage", "4"});
  check_refused(train_tiny(folder, "--stage 1 --stage 3"), 2, {"--stage", "2"});
  check_refused(train_tiny(folder, "--set perceptual=lpips"), 2, {"needs perceptual_weights"});
  CHECK(!fs::exists(folder / "run"));
}

TEST_CASE("train: what the recipe points at must be there; otherwise the run folder stays as it was") {
  const Scratch folder;
  fs::create_directories(folder / "pictures");
  const std::string source = "--set data.source=" + quoted(folder / "pictures");
  check_refused(train_tiny(folder, source), 1, {"pictures", "expected images", "found an empty folder"});
  write_text(folder / "pictures/notes.txt", "x");
  check_refused(train_tiny(folder, source), 1, {"pictures", "expected images", "notes.txt"});
  check_refused(train_tiny(folder, "--set data.source=" + quoted(folder / "absent")), 1, {"absent", "no such folder"});
  check_refused(train_tiny(folder, "--set perceptual=lpips --set perceptual_weights=" + quoted(folder / "absent.st")), 1,
                {"absent.st", "No such file"});
  check_refused(train_tiny(folder, "--stage 2"), 1, {"run/vqgan.safetensors: missing", "result of stage 1"});
  CHECK(!fs::exists(folder / "run"));
  check_refused(train_tiny(folder, "--set out=" + quoted(folder / "tiny.toml/below")), 1,
                {"tiny.toml/below", "cannot be made", "Not a directory"});
}

TEST_CASE("train: stages go on from the files before them, and only from fitting ones") {
  const Scratch folder;
  copy_run(folder);
  const std::string recipe = content(folder / "run/recipe.toml"), metrics = content(folder / "run/metrics.jsonl");
  check_refused(train_tiny(folder, "--stage 3 --set model.dim_embd=32"), 1,
                {"codes.safetensors: does not fit this network", "feat_emb.weight must be [32,8], got [16,8]"});
  check_refused(train_tiny(folder, "--stage 2 --set model.codebook_size=32"), 1,
                {"vqgan.safetensors: does not fit this network", "quantize.embedding.weight must be [32,8], got [16,8]"});
  fs::remove(folder / "run/codes.safetensors");
  check_refused(train_tiny(folder, "--stage 3"), 1, {"run/codes.safetensors: missing", "result of stage 2"});
  fs::copy(folder / "run/vqgan.safetensors", folder / "run/codes.safetensors");
  check_refused(train_tiny(folder, "--stage 3"), 1, {"codes.safetensors", "holds a vqgan", "expected a codeformer"});
  CHECK(content(folder / "run/recipe.toml") == recipe);
  CHECK(content(folder / "run/metrics.jsonl") == metrics);

  const ProgramRun rest = train_tiny(folder, "--json --stage 2 --stage 3");
  REQUIRE_MESSAGE(rest.exit_code == 0, rest.output);
  const auto result = nlohmann::json::parse(rest.out);
  CHECK(result["checkpoint"] == (folder / "run/codeformer.safetensors").string());
  CHECK(hash_line(tiny_run().run) == "  hash " + result["hash"].get<std::string>() + "\n");
  CHECK(result["restored"].size() == 3);
  // The lines of stage I are still there, those of the stages that ran again no more than once.
  CHECK(content(folder / "run/metrics.jsonl").starts_with(metrics.substr(0, metrics.find("{\"stage\":\"stage2"))));
  for (const char* stage : {"stage1", "stage2", "stage2 health", "stage2 validation", "stage3", "stage3 health", "stage3 validation"})
    CHECK_MESSAGE(metrics_of(folder / "run", stage).size() == metrics_of(tiny_run().path, stage).size(), stage);

  // A stage that runs again takes with it what was measured on top of it.
  const ProgramRun second = train_tiny(folder, "-q --stage 2");
  REQUIRE_MESSAGE(second.exit_code == 0, second.output);
  CHECK(metrics_of(folder / "run", "stage1").size() == 3);
  CHECK(metrics_of(folder / "run", "stage2").size() == 2);
  CHECK(metrics_of(folder / "run", "stage3").empty());
  CHECK(metrics_of(folder / "run").back().at("stage") == "stage2 validation");
}

TEST_CASE("train: numbers that stop being finite stop the run by name; checkpoints from before stay") {
  // Step 0 has a small rate, step 1 one that throws the weights so far off that step 2 overflows.
  const std::string blow_up = "--set stage1.steps=4 --set stage1.lr=1e-3 --set stage1.lr_end=1e30 ";
  const Scratch folder;
  copy_run(folder);
  const std::string before = content(folder / "run/vqgan.safetensors");
  const ProgramRun run = train_tiny(folder, "--stage 1 -q " + blow_up);
  check_refused(run, 1, {"stage1 generator, step 2", "not finite", "the first tensor that is not: result of", " in "});
  CHECK(content(folder / "run/vqgan.safetensors") == before);

  for (const std::string stage : {"2", "3"}) {
    const Scratch later;
    copy_run(later);
    const std::string result = stage == "2" ? "run/codes.safetensors" : "run/codeformer.safetensors", kept = content(later / result);
    const std::string set = "--set stage" + stage;
    check_refused(train_tiny(later, "--stage " + stage + " -q " + set + ".steps=4 " + set + ".lr=1e-3 " + set + ".lr_end=1e30"), 1,
                  {"stage" + stage, "step 2", "not finite", "the first tensor that is not: result of", " in "});
    CHECK(content(later / result) == kept);
  }

  const Scratch saving;
  check_refused(train_tiny(saving, "--stage 1 -q --set stage1.save_every=1 " + blow_up), 1, {"stage1 generator, step 2"});
  const ProgramRun info = run_program("info " + quoted(saving / "run/vqgan.safetensors"));
  CHECK_MESSAGE(info.exit_code == 0, info.output);
  const ProgramRun next = train_tiny(saving, "--stage 2 -q --set stage2.steps=0");
  INFO(next.output);
  CHECK(next.exit_code == 0);
}

TEST_CASE("train: a checkpoint within a stage does not change the run") {
  const Scratch folder;
  const ProgramRun run = train_tiny(folder, "-q --set stage1.save_every=1 --set stage2.save_every=1 --set stage3.save_every=1");
  CHECK(run.exit_code == 0);
  CHECK(hash_line(run) == hash_line(tiny_run().run));
}
