// Whole commands on the emulated device, with its memory closed to everything but kernels and copies: what would crash on a GPU, crashes.
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {
const char* const kGuarded = "KINTSUGI_SIM_GUARD=1";
}

TEST_CASE("device: training, restoring and checking gradients on sim") {
  const Scratch folder;
  const auto recipe = write_text(folder / "tiny.toml", kTinyRecipe);
  const ProgramRun train = run_program("train " + quoted(recipe) + " --device sim --set out=" + quoted(folder / "run") +
                                          " --set stage1.steps=2 --set stage2.steps=1 --set stage3.steps=1", kGuarded);
  CHECK_MESSAGE(train.exit_code == 0, train.output);
  CHECK(train.err.find("device: sim") != std::string::npos);
  CHECK(fs::exists(folder / "run/codeformer.safetensors"));

  // What was trained there reads here, and restores the same picture on both.
  const auto picture = write_picture(folder / "in.png", 16, 16);
  const std::string weights = " --weights " + quoted(tiny_run().path) + " -o ";
  CHECK(run_program("restore -q " + quoted(picture) + weights + quoted(folder / "cpu.png") + " --device cpu").exit_code == 0);
  const ProgramRun there = run_program("restore " + quoted(picture) + weights + quoted(folder / "sim.png") + " --device sim", kGuarded);
  CHECK_MESSAGE(there.exit_code == 0, there.output);
  CHECK(there.err.find("on sim, network 16x16") != std::string::npos);
  const Image a = read_image(folder / "cpu.png"), b = read_image(folder / "sim.png");
  REQUIRE(a.pixels.size() == b.pixels.size());
  double worst = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) worst = std::max(worst, double(std::abs(a.pixels[i] - b.pixels[i])));
  CHECK(worst <= 1.01 / 255);  // where f32 results of two orders of summation fall on two sides of a rounding

  const ProgramRun gradients = run_program("gradcheck discriminator --device sim", kGuarded);
  CHECK_MESSAGE(gradients.exit_code == 0, gradients.output);
}

TEST_CASE("device: out of memory in a step is one error that names the op, and the last checkpoint stays") {
  const Scratch folder;
  fs::copy(tiny_run().path, folder / "run");
  const std::string before = content(folder / "run/vqgan.safetensors");
  const ProgramRun run = train_tiny(folder, "--stage 2 --device sim", "KINTSUGI_SIM_MEMORY=9700000");
  CHECK_MESSAGE(run.exit_code == 1, run.output);
  CHECK(count(run.err, "kintsugi: ") == 1);
  for (const char* part : {"out of memory on sim in ", "bytes were asked for", "are live", "the peak was"})
    CHECK_MESSAGE(run.err.find(part) != std::string::npos, run.err);
  CHECK(content(folder / "run/vqgan.safetensors") == before);
  CHECK(content(folder / "run/codes.safetensors") == content(tiny_run().path / "codes.safetensors"));
}

TEST_CASE("device: auto says what it chose and why") {
  const auto picture = write_picture(tiny_run().folder / "auto.png", 16, 16);
  const ProgramRun run = run_program("restore " + quoted(picture) + " --weights " + quoted(tiny_run().path) + " -o " + quoted(tiny_run().folder / "auto_out.png"));
  CHECK(run.exit_code == 0);
  CHECK(run.err.find("device: ") != std::string::npos);
  CHECK(run.err.find("chosen by auto") != std::string::npos);
}

TEST_CASE("device: a stage trained in bf16 is another than in f32, kept in f32 and refused where there are no kernels for it") {
  const Scratch half, full, none;
  const std::string stage = "-q --stage 2 --set stage2.steps=1 --set stage2.batch=1 --set stage2.ema=0 --set data.validation=1 --from " + quoted(tiny_run().path);
  const ProgramRun run = train_tiny(half, stage + " --device sim --set compute=bf16"), plain = train_tiny(full, stage + " --device sim");
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  REQUIRE_MESSAGE(plain.exit_code == 0, plain.output);
  const auto size = [](const Scratch& folder) { return fs::file_size(folder / "run/codes.safetensors"); };
  CHECK(size(half) == size(full));
  CHECK(content(half / "run/codes.safetensors") != content(full / "run/codes.safetensors"));
  check_refused(train_tiny(none, "-q --device cpu --set compute=bf16"), 2, {"compute = \"bf16\" needs a device", "got cpu"});
  CHECK(!fs::exists(none / "run"));
}
