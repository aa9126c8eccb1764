// kintsugi train: micro-batches, recomputation, cached codes and the hand-over between run folders.
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

std::vector<double> losses(const fs::path& run, const std::string& name) {
  std::vector<double> all;
  for (const Json& values : metrics_of(run))
    if (values.contains(name) && !std::string(values["stage"]).ends_with(" health")) all.push_back(values[name]);
  return all;
}

}  // namespace

TEST_CASE("train: two micro-batches of one picture are a batch of two") {
  // Without the discriminator, whose BatchNorm sees each micro-batch alone. Sums are taken in another order: a few roundings of 6e-8 in
  // means over 768 numbers, grown by three steps of Adam, which divides a gradient by its own size.
  const Scratch whole, parts;
  const std::string more = "-q --stage 1 --set stage1.gan_start=1000 --set stage1.steps=4 ";
  REQUIRE(train_tiny(whole, more + "--set stage1.batch=2").exit_code == 0);
  REQUIRE(train_tiny(parts, more + "--set stage1.batch=1 --set stage1.accumulate=2").exit_code == 0);
  for (const char* name : {"l_g_pix", "l_codebook", "grad_norm"}) {
    const auto expected = losses(whole / "run", name), got = losses(parts / "run", name);
    REQUIRE(expected.size() == 4);
    REQUIRE(got.size() == 4);
    for (size_t i = 0; i < 4; ++i) CHECK_MESSAGE(got[i] == doctest::Approx(expected[i]).epsilon(1e-4), name << " of step " << i);
  }
}

TEST_CASE("train: micro-batches with a discriminator have one adaptive weight") {
  const Scratch folder;
  const ProgramRun run = train_tiny(folder, "-q --set stage1.batch=1 --set stage1.accumulate=3 --set stage3.accumulate=2");
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  // The mean over micro-batches of what must be the same number in each.
  const auto weight = losses(folder / "run", "d_weight_clamped"), recon = losses(folder / "run", "recon_grad_norm"),
             gan = losses(folder / "run", "gan_grad_norm");
  REQUIRE(weight.size() == 3);  // the last two steps of stage I, the last of stage III
  for (size_t i = 0; i < weight.size(); ++i) CHECK(weight[i] == doctest::Approx(std::min(1.0, recon[i] / (gan[i] + 1e-4))).epsilon(1e-9));
}

TEST_CASE("train: running blocks again in backward changes no bit") {
  const Scratch folder;
  const ProgramRun run = train_tiny(folder, "-q --set stage1.recompute=true --set stage2.recompute=true --set stage3.recompute=true");
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  for (const char* file : {"vqgan.safetensors", "codes.safetensors", "codeformer.safetensors"})
    CHECK_MESSAGE(content(folder / "run" / file) == content(tiny_run().path / file), file);
}

TEST_CASE("train: codes kept on disk are those made in every step, mirrored faces included, and are made once") {
  const Scratch folder;
  const std::string cache = "-q --set stage2.steps=6 --set cache_codes=" + quoted(folder / "codes");
  const auto files = [&] { return std::distance(fs::directory_iterator(folder / "codes"), fs::directory_iterator()); };
  const Scratch plain;
  REQUIRE(train_tiny(plain, "-q --set stage2.steps=6").exit_code == 0);
  const ProgramRun run = train_tiny(folder, cache);
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(content(folder / "run/codeformer.safetensors") == content(plain / "run/codeformer.safetensors"));
  CHECK(files() == 1);
  const auto file = fs::directory_iterator(folder / "codes")->path();
  const auto written = fs::last_write_time(file);
  REQUIRE(train_tiny(folder, cache).exit_code == 0);
  CHECK(fs::last_write_time(file) == written);
  CHECK(content(folder / "run/codeformer.safetensors") == content(plain / "run/codeformer.safetensors"));
  // Another VQGAN, other codes.
  REQUIRE(train_tiny(folder, cache + " --set stage1.steps=4").exit_code == 0);
  CHECK(files() == 2);
}

TEST_CASE("train: a stage goes on from another run's folder, which stays as it is") {
  const Scratch folder;
  const std::string from = "--from " + quoted(tiny_run().path);
  check_refused(train_tiny(folder, from), 2, {"stage 1 starts from nothing", "--stage 2"});
  CHECK(!fs::exists(folder / "run"));
  const ProgramRun second = train_tiny(folder, "-q --stage 2 " + from);
  REQUIRE_MESSAGE(second.exit_code == 0, second.output);
  for (const char* file : {"vqgan.safetensors", "discriminator.safetensors", "codes.safetensors"})
    CHECK_MESSAGE(content(folder / "run" / file) == content(tiny_run().path / file), file);
  // The folder of stage II is all that stage III needs.
  const Scratch last;
  const ProgramRun third = train_tiny(last, "-q --stage 3 --from " + quoted(folder / "run"));
  REQUIRE_MESSAGE(third.exit_code == 0, third.output);
  CHECK(content(last / "run/codeformer.safetensors") == content(tiny_run().path / "codeformer.safetensors"));
  const Json notes = Json::parse(content(last / "run/run.json"))["stage3"];
  CHECK(notes["seed"] == 1);
  for (const char* input : {"data", "vqgan.safetensors", "discriminator.safetensors", "codes.safetensors"})
    CHECK_MESSAGE(notes["inputs"][input].get<std::string>().size() == 64, input);
}
