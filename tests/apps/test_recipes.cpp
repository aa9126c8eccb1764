// The recipes that come with the program, and what makes one of them wrong.
#include <map>
#include <set>
#include <sstream>

#include "tests/apps/tiny_run.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

const fs::path kRecipes = fs::path(KIN_SOURCE_DIR) / "apps/recipes";

ProgramRun printed(const fs::path& recipe, const std::string& more = {}) {
  return run_program("train " + quoted(recipe) + " --print --set perceptual_weights=vgg.pth " + more);
}

/// Values by "table.key", as `--print` writes them.
std::map<std::string, std::string> values(const std::string& toml) {
  std::map<std::string, std::string> out;
  std::istringstream lines(toml);
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) table = line.substr(1, line.find(']') - 1) + ".";
    else if (const auto at = line.find(" = "); at != std::string::npos) out[table + line.substr(0, at)] = line.substr(at + 3);
  }
  return out;
}

std::map<std::string, std::string> values_of(const std::string& recipe) {
  const ProgramRun run = printed(kRecipes / "codeformer" / recipe);
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  return values(run.out);
}

std::set<std::string> differing(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
  std::set<std::string> keys;
  for (const auto& [key, value] : a)
    if (b.at(key) != value) keys.insert(key);
  return keys;
}

ProgramRun with(const Scratch& folder, const std::string& recipe) { return printed(write_text(folder / "r.toml", recipe)); }

}  // namespace

TEST_CASE("recipes: every recipe reads, prints to itself, and has held-out faces to be measured on") {
  const Scratch folder;
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kRecipes)) {
    if (entry.path().extension() != ".toml") continue;
    CAPTURE(entry.path());
    ++count;
    const ProgramRun once = printed(entry.path());
    REQUIRE_MESSAGE(once.exit_code == 0, once.output);
    CHECK(printed(write_text(folder / "printed.toml", once.out)).out == once.out);
    CHECK(std::stoi(values(once.out).at("data.validation")) >= 1);
  }
  CHECK(count == 8);
}

TEST_CASE("recipes: restore.toml is the released training, row by row of its options") {
  const auto v = values_of("restore.toml");
  const std::pair<const char*, const char*> rows[] = {
      {"seed", "0"}, {"stages", "[1, 2, 3]"}, {"perceptual", "\"lpips\""}, {"perceptual_input_norm", "true"},
      {"data.size", "512"}, {"data.hflip", "true"}, {"data.enlarge", "100"},
      {"degrade.kernel_size", "41"}, {"degrade.isotropic_probability", "0.5"}, {"degrade.blur_sigma", "[1.0, 15.0]"},
      {"degrade.downsample", "[4.0, 30.0]"}, {"degrade.noise", "[0.0, 20.0]"}, {"degrade.jpeg_quality", "[30.0, 80.0]"},
      {"degrade_small.kernel_size", "41"}, {"degrade_small.blur_sigma", "[0.1, 10.0]"}, {"degrade_small.downsample", "[1.0, 12.0]"},
      {"degrade_small.noise", "[0.0, 15.0]"}, {"degrade_small.jpeg_quality", "[60.0, 100.0]"},
      {"model.nf", "64"}, {"model.ch_mult", "[1, 2, 2, 4, 4, 8]"}, {"model.res_blocks", "2"}, {"model.attn_resolutions", "[16]"},
      {"model.codebook_size", "1024"}, {"model.emb_dim", "256"}, {"model.beta", "0.25"}, {"model.beta_on", "\"codebook\""},
      {"model.dim_embd", "512"}, {"model.n_head", "8"}, {"model.n_layers", "9"}, {"model.connect", "[32, 64, 128, 256]"},
      {"model.ndf", "64"}, {"model.d_layers", "4"}, {"model.norm_groups", "32"},
      {"stage1.steps", "1600000"}, {"stage1.batch", "4"}, {"stage1.lr", "7e-05"}, {"stage1.lr_end", "6e-05"}, {"stage1.schedule", "\"cosine\""},
      {"stage1.beta1", "0.9"}, {"stage1.beta2", "0.99"}, {"stage1.weight_decay", "0.0"}, {"stage1.warmup", "0"}, {"stage1.ema", "0.995"},
      {"stage1.clip", "0.0"}, {"stage1.gan", "\"hinge\""}, {"stage1.gan_start", "30001"}, {"stage1.gan_weight", "0.8"},
      {"stage1.adaptive_weight", "true"}, {"stage1.adaptive_max", "1.0"}, {"stage1.revive_every", "0"}, {"stage1.save_every", "10000"},
      {"stage2.steps", "500000"}, {"stage2.batch", "4"}, {"stage2.lr", "0.0001"}, {"stage2.schedule", "\"multistep\""},
      {"stage2.milestones", "[400000, 450000]"}, {"stage2.gamma", "0.5"}, {"stage2.ema", "0.995"}, {"stage2.feature_weight", "1.0"},
      {"stage2.entropy_weight", "0.5"}, {"stage2.freeze", "[\"quantize\", \"generator\"]"},
      {"stage3.steps", "150000"}, {"stage3.batch", "3"}, {"stage3.lr", "5e-05"}, {"stage3.lr_end", "2e-05"}, {"stage3.schedule", "\"cosine\""},
      {"stage3.ema", "0.997"}, {"stage3.gan_start", "5001"}, {"stage3.gan_weight", "0.1"}, {"stage3.phase_ends", "[40000, 80000, 120000]"},
      {"stage3.phase_w", "[1.0, 1.3, 0.0, 1.3]"}, {"stage3.phase_small_every", "[1, 1, 0, 15]"}, {"stage3.detach_16", "true"},
      {"stage3.freeze", "[\"quantize\", \"generator\"]"}, {"stage3.grows_from", "\"stage2\""}, {"stage3.discriminator", "\"stage1\""},
      {"stage3.zero_start", "false"}, {"stage3.save_every", "5000"}};
  for (const auto& [key, value] : rows) {
    REQUIRE_MESSAGE(v.count(key), key);
    CHECK_MESSAGE(v.at(key) == value, key);
  }
}

TEST_CASE("recipes: paper, colour and inpainting differ from restore.toml where they say so and nowhere else") {
  const auto restore = values_of("restore.toml");
  CHECK(differing(restore, values_of("paper.toml")) ==
        std::set<std::string>{"name", "out", "perceptual", "perceptual_distance", "degrade.downsample", "degrade.jpeg_quality",
                              "degrade_small.blur_sigma", "degrade_small.downsample", "degrade_small.noise", "degrade_small.jpeg_quality",
                              "model.beta_on", "stage1.steps", "stage1.lr", "stage1.schedule", "stage1.gan", "stage2.steps", "stage2.lr",
                              "stage2.schedule", "stage3.steps", "stage3.batch", "stage3.lr", "stage3.schedule", "stage3.gan",
                              "stage3.gan_weight", "stage3.phase_ends", "stage3.phase_w", "stage3.phase_small_every"});
  const auto paper = values_of("paper.toml");
  for (const char* key : {"blur_sigma", "downsample", "noise", "jpeg_quality"})
    CHECK_MESSAGE(paper.at(std::string("degrade.") + key) == paper.at(std::string("degrade_small.") + key), key);

  CHECK(differing(restore, values_of("colorize.toml")) ==
        std::set<std::string>{"name", "out", "from", "stages", "perceptual", "degrade.colour_shift_probability", "degrade.grey_probability",
                              "degrade.colour_jitter_probability", "degrade_small.colour_shift_probability", "degrade_small.grey_probability",
                              "degrade_small.colour_jitter_probability"});
  CHECK(differing(restore, values_of("inpaint.toml")) ==
        std::set<std::string>{"name", "out", "from", "stages", "adain", "data.corrupt", "model.connect", "stage3.steps", "stage3.save_every", "stage3.validate_every",
                              "stage3.grows_from", "stage3.discriminator", "stage3.lr", "stage3.schedule", "stage3.milestones", "stage3.gan_start",
                              "stage3.phase_ends", "stage3.phase_w", "stage3.phase_small_every"});
  for (const char* recipe : {"colorize.toml", "inpaint.toml"}) CHECK(values_of(recipe).at("from") == restore.at("out"));
  CHECK(values_of("inpaint_small.toml").at("from") == values_of("restore_small.toml").at("out"));
}

TEST_CASE("recipes: degradations are stated for one size and drawn at another") {
  const auto small = values_of("restore_small.toml");
  CHECK(small.at("data.size") == "128");
  CHECK(small.at("degrade.blur_sigma") == "[0.25, 3.75]");
  CHECK(small.at("degrade.downsample") == "[2.0, 6.0]");
  CHECK(small.at("degrade.noise") == "[5.0, 30.0]");
  CHECK(small.at("degrade_small.downsample") == "[1.0, 3.0]");
  CHECK(small.at("degrade.kernel_size") == "11");

  const Scratch folder;
  const auto unscaled = values(with(folder, "[data]\nsize = 64\n[degrade]\ndownsample = [2, 4]\n[degrade_small]\nnoise = [1, 2]\n").out);
  CHECK(unscaled.at("degrade.downsample") == "[2.0, 4.0]");
  CHECK(unscaled.at("degrade_small.downsample") == "[2.0, 4.0]");
  CHECK(unscaled.at("degrade_small.noise") == "[1.0, 2.0]");
}

TEST_CASE("recipes: a base is filled in below, and is as strict as the recipe itself") {
  const Scratch folder;
  write_text(folder / "low.toml", "seed = 3\n[stage1]\nbatch = 5\nsteps = 7\n[stage2]\n\nlr = 1\n");
  fs::create_directories(folder / "sub");
  write_text(folder / "sub/mid.toml", "base = \"../low.toml\"\n[stage1]\nsteps = 8\n");
  const auto v = values(with(folder, "base = \"sub/mid.toml\"\nname = \"top\"\n[stage1]\nlr = 0.5\n").out);
  CHECK(v.at("name") == "\"top\"");
  CHECK(v.at("seed") == "3");
  CHECK(v.at("stage1.batch") == "5");
  CHECK(v.at("stage1.steps") == "8");
  CHECK(v.at("stage1.lr") == "0.5");
  CHECK(v.at("stage2.lr") == "1.0");

  check_refused(with(folder, "base = \"absent.toml\"\n"), 2, {"r.toml:1: base must be a file", "absent.toml, which is not there"});
  check_refused(with(folder, "base = 3\n"), 2, {"r.toml:1: base must be the name of a TOML file, got 3 (integer)"});
  check_refused(with(folder, "seed = 1\nbase = \"r.toml\"\n"), 2, {"r.toml:2: base must be another file"});
  write_text(folder / "low.toml", "\n[stage1]\nbatch = 0\n");
  check_refused(with(folder, "base = \"low.toml\"\n"), 2, {"low.toml:3: stage1.batch must be a whole number from 1", "got 0"});
  write_text(folder / "low.toml", "[stage1]\nbacth = 1\n");
  check_refused(with(folder, "base = \"low.toml\"\n"), 2, {"low.toml:2: unknown key stage1.bacth; did you mean stage1.batch?"});
}

TEST_CASE("recipes: what a run of this length would never reach is refused") {
  const Scratch folder;
  const auto stage3 = [&](const std::string& keys) { return with(folder, "[stage3]\nsteps = 10\n" + keys); };
  check_refused(stage3("phase_ends = [4, 10]\nphase_w = [1, 1, 1]\nphase_small_every = [1, 1, 1]\n"), 2,
                {"stage3.phase_ends: the run ends at 10 steps", "iteration 10 would never happen"});
  check_refused(stage3("phase_ends = [4, 4]\nphase_w = [1, 1, 1]\nphase_small_every = [1, 1, 1]\n"), 2, {"stage3.phase_ends must ascend, got 4 after 4"});
  check_refused(stage3("phase_ends = [4]\n"), 2, {"stage3.phase_w must have one value for each phase, 2", "got 1"});
  check_refused(stage3("phase_ends = [4]\nphase_w = [1, 1]\n"), 2, {"stage3.phase_small_every must have one value for each phase, 2"});
  check_refused(stage3("phase_small_every = [0]\n"), 2, {"stage3.phase_small_every must let some phase restore images"});
  check_refused(stage3("schedule = \"multistep\"\n"), 2, {"needs stage3.milestones"});
  check_refused(stage3("schedule = \"multistep\"\nmilestones = [5, 12]\n"), 2, {"stage3.milestones: the run ends at 10 steps", "iteration 12"});
  check_refused(stage3("periods = [4, 5]\n"), 2, {"stage3.periods must reach stage3.steps = 10, got 9"});
  check_refused(stage3("periods = [4, 6]\nperiod_weights = [1]\n"), 2, {"stage3.period_weights must be as many as stage3.periods, 2, got 1"});
  // A shorter run of the released recipe does not silently stay in the first phase.
  check_refused(printed(kRecipes / "codeformer/restore.toml", "--set stage3.steps=20000"), 2, {"stage3.phase_ends", "the run ends at 20000 steps"});
}

TEST_CASE("recipes: values that do not go together are refused") {
  const Scratch folder;
  check_refused(with(folder, "stages = [1, 3]\n"), 2, {"stages must be consecutive"});
  check_refused(with(folder, "stages = []\n"), 2, {"stages must be consecutive"});
  check_refused(with(folder, "[stage3]\ngrows_from = \"stage1\"\n"), 2, {"stage3.grows_from = \"stage1\"", "stage 2"});
  check_refused(with(folder, "[model]\nch_mult = []\n"), 2, {"model.ch_mult must name 1 to 12 levels, got 0"});
  check_refused(with(folder, "[stage2]\nfreeze = [\"decoder\"]\n"), 2,
                {"r.toml:2: stage2.freeze must be a list of some of encoder, quantize, generator, transformer, fusion", "decoder"});
  check_refused(with(folder, "[stage2]\nfeature_weight = 0\nentropy_weight = 0\n"), 2,
                {"stage2.feature_weight or stage2.entropy_weight must be above 0, got 0 for both"});
  check_refused(with(folder, "[stage1]\ngan = \"hinges\"\n"), 2, {"r.toml:2: stage1.gan must be one of hinge, vanilla"});
  check_refused(with(folder, "[strokes]\nleast_corners = 9\nmost_corners = 8\n"), 2, {"strokes.least_corners must not exceed"});
  check_refused(with(folder, "[data]\ncorrupt = \"strokes\"\n[stage3]\nphase_small_every = [2]\n"), 2, {"stage3.phase_small_every must be 1"});
  check_refused(with(folder, "[stage2]\ngan_start = 3\n"), 2, {"unknown key stage2.gan_start"});
  check_refused(run_program("train " + quoted(kRecipes / "codeformer/restore.toml") + " --print"), 2,
                {"perceptual = \"lpips\" needs perceptual_weights"});
}
