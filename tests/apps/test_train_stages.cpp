// What a recipe switches in the three stages: phases, the discriminator's start, frozen parts, colour and inpainting, and what may follow what.
#include <cmath>
#include <cstring>

#include "tensor/safetensors.h"
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

/// Stage III on top of the shared run, with changed keys.
fs::path stage3(const Scratch& folder, const std::string& set) {
  copy_results(folder);
  const ProgramRun run = train_tiny(folder, "-q --stage 3 " + set);
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  return folder / "run";
}

/// Whether two checkpoints agree in all tensors whose names start so.
bool same_part(const fs::path& a, const fs::path& b, const std::string& part) {
  const SafetensorsFile x(a), y(b);
  bool same = true, any = false;
  for (const std::string& name : x.names()) {
    if (!name.starts_with(part)) continue;
    const Tensor left = x.read(name), right = y.read(name);
    any = true;
    same &= left.bytes() == right.bytes() && std::memcmp(left.raw(), right.raw(), left.bytes()) == 0;
  }
  REQUIRE_MESSAGE(any, part);
  return same;
}

bool all_finite(const std::vector<nlohmann::json>& lines) {
  bool finite = !lines.empty();
  for (const auto& line : lines)
    for (const auto& [key, value] : line.items()) finite &= !value.is_null() && (!value.is_number() || std::isfinite(value.get<double>()));
  return finite;
}

}  // namespace

TEST_CASE("train: the discriminator takes part behind iteration gan_start, in stages I and III alike") {
  for (const char* stage : {"stage1", "stage3"}) {
    CAPTURE(stage);
    const auto steps = metrics_of(tiny_run().path, stage);
    REQUIRE(steps.size() >= 2);
    CHECK(!steps[0].contains("l_d_real"));  // iteration 1 = gan_start
    CHECK(steps[1].contains("l_d_real"));
    CHECK(steps[1].contains("d_weight_clamped"));
  }
}

TEST_CASE("train: stage III goes through its phases, with w, images and codes of each") {
  const Scratch folder;
  const fs::path run = stage3(folder,
                              "--set stage3.steps=10 --set stage3.phase_ends=[2,4,6] --set stage3.phase_w=[1,1.3,0,1.3] "
                              "--set stage3.phase_small_every=[1,1,0,4] --set stage3.gan_start=1");
  const auto steps = metrics_of(run, "stage3");
  REQUIRE(steps.size() == 10);
  CHECK(all_finite(steps));
  const double w[] = {1, 1, 1.3, 1.3, -1, -1, -1, 1.3, -1, -1};  // -1: codes only
  for (int i = 0; i < 10; ++i) {
    CAPTURE(i);
    CHECK(steps[i].contains("cross_entropy_loss"));
    CHECK(steps[i].contains("l_g_pix") == (w[i] >= 0));
    CHECK(steps[i].contains("l_d_fake") == (w[i] >= 0 && i >= 1));
    if (w[i] >= 0) CHECK(steps[i]["w"] == w[i]);
    else CHECK(!steps[i].contains("w"));
  }
}

TEST_CASE("train: stage III's images are degraded by [degrade_small], its codes by [degrade]") {
  const auto result = [](const std::string& large, const std::string& small, const std::string& small_every) {
    const Scratch folder;
    return content(stage3(folder, "--set degrade.noise=" + large + " --set degrade_small.noise=" + small + " --set stage3.phase_small_every=" + small_every) /
                   "codeformer.safetensors");
  };
  const std::string images = result("[0,1]", "[5,6]", "[1]"), mixed = result("[0,1]", "[5,6]", "[2]");  // step 0 on codes, step 1 on an image
  CHECK(result("[60,70]", "[5,6]", "[1]") == images);
  CHECK(result("[60,70]", "[5,6]", "[2]") != mixed);
  CHECK(result("[0,1]", "[60,70]", "[1]") != images);
}

TEST_CASE("train: a face that stands several times in an epoch has its codes wherever it stands") {
  const Scratch folder, cached;
  const std::string set = "-q --stage 2 --set data.enlarge=3 --set stage2.steps=6";
  copy_results(folder);
  copy_results(cached);
  const ProgramRun run = train_tiny(folder, set), with_cache = train_tiny(cached, set + " --set cache_codes=" + quoted(cached / "codes"));
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  REQUIRE_MESSAGE(with_cache.exit_code == 0, with_cache.output);
  CHECK(content(folder / "run/codes.safetensors") == content(cached / "run/codes.safetensors"));
}

TEST_CASE("train: an image with w = 0 under the discriminator is a step like any other, where the release stops") {
  const Scratch folder;
  const fs::path run = stage3(folder, "--set stage3.phase_w=[0] --set stage3.gan_start=0 --set stage3.steps=2 --set stage3.ema=0");
  const auto steps = metrics_of(run, "stage3");
  REQUIRE(steps.size() == 2);
  CHECK(all_finite(steps));
  for (const auto& step : steps) {
    CHECK(step["w"] == 0);
    CHECK(step["d_weight_clamped"] == 0);  // nothing trained reaches the image
    CHECK(step.contains("l_d_fake"));
  }
  CHECK(same_part(run / "codeformer.safetensors", run / "codes.safetensors", "fuse_convs_dict."));
  CHECK(!same_part(run / "codeformer.safetensors", run / "codes.safetensors", "ft_layers."));
}

TEST_CASE("train: the adaptive weight can be switched off, capped, and judged otherwise than by hinge") {
  const Scratch off, capped, vanilla;
  for (const auto& step : metrics_of(stage3(off, "--set stage3.adaptive_weight=false --set stage3.gan_weight=0.3 --set stage3.gan_start=0"), "stage3")) {
    CHECK(step["d_weight"] == 0.3);
    CHECK(!step.contains("d_weight_clamped"));
  }
  for (const auto& step : metrics_of(stage3(capped, "--set stage3.adaptive_max=1e-9 --set stage3.gan_start=0"), "stage3"))
    CHECK(step["d_weight_clamped"] <= 1e-9);
  const auto steps = metrics_of(stage3(vanilla, "--set stage3.gan=vanilla --set stage3.gan_start=0"), "stage3");
  for (const auto& step : steps) {  // softplus(-x) of a score x: positive, and the mean of it is at least softplus of the mean
    CHECK(step["l_d_real"] >= std::log1p(std::exp(-step["out_d_real"].get<double>())) * 0.999999);
    CHECK(step["g_gan_raw"] > 0);
  }
}

TEST_CASE("train: frozen parts stay as they were, and a frozen transformer leaves codes alone") {
  const Scratch folder;
  const fs::path run = stage3(folder, R"(--set 'stage3.freeze=["quantize", "generator", "encoder", "transformer"]')");
  const fs::path before = run / "codes.safetensors", after = run / "codeformer.safetensors";
  for (const char* part : {"quantize.", "generator.", "encoder.", "ft_layers.", "position_emb", "feat_emb.", "idx_pred_layer."})
    CHECK_MESSAGE(same_part(before, after, part), part);
  CHECK(!same_part(before, after, "fuse_convs_dict."));
  for (const auto& step : metrics_of(run, "stage3")) CHECK(!step.contains("cross_entropy_loss"));

  const Scratch free;
  const fs::path all = stage3(free, "--set stage3.freeze=[] --set stage3.detach_16=false");
  for (const char* part : {"quantize.", "generator.", "encoder."})
    CHECK_MESSAGE(!same_part(all / "codes.safetensors", all / "codeformer.safetensors", part), part);
}

TEST_CASE("train: fusing at the full resolution stays finite") {
  const Scratch folder;  // the tiny network fuses at 16 of 16 pixels; fusion starts at random, as published
  const fs::path run = stage3(folder, "--set stage3.steps=30 --set stage3.phase_w=[1.3] --set stage3.lr=5e-5 --set stage3.gan_start=10");
  const auto steps = metrics_of(run, "stage3");
  CHECK(steps.size() == 30);
  CHECK(all_finite(steps));
}

TEST_CASE("train: the rate follows the schedule of the recipe, the discriminator's its own") {
  const Scratch folder;
  const ProgramRun run = train_tiny(folder, "-q --stage 1 --set stage1.steps=6 --set stage1.lr=0.001 --set stage1.schedule=multistep "
                                            "--set stage1.milestones=[2,4] --set stage1.gamma=0.5");
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  const auto steps = metrics_of(folder / "run", "stage1");
  const double rates[] = {1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4, 2.5e-4};
  for (int i = 0; i < 6; ++i) CHECK(steps[i]["lr"].get<double>() == doctest::Approx(rates[i]).epsilon(1e-12));
  // With next to no rate of its own the discriminator stays where it starts, with one it moves; the generator moves with either.
  const auto trained = [](const Scratch& to, const std::string& set) {
    REQUIRE(train_tiny(to, "-q --stage 1 --set stage1.lr_end=0 " + set).exit_code == 0);
    return to / "run";
  };
  const Scratch a, b, c;
  const fs::path start = trained(a, "--set stage1.steps=0"), still = trained(b, "--set stage1.steps=2 --set stage1.lr_d=1e-30"),
                 moving = trained(c, "--set stage1.steps=2 --set stage1.lr_d=1e-3");
  const std::string critic = "discriminator.safetensors", generator = "vqgan.safetensors";
  CHECK(same_part(start / critic, still / critic, "main.0.weight"));
  CHECK(!same_part(start / critic, moving / critic, "main.0.weight"));
  CHECK(!same_part(start / generator, still / generator, "encoder."));
}

TEST_CASE("train: a predecessor with another codebook is refused, and the run folder stays as it was") {
  const Scratch folder;
  copy_results(folder);
  const ProgramRun again = train_tiny(folder, "-q --stage 1 --set seed=9");
  REQUIRE_MESSAGE(again.exit_code == 0, again.output);
  const std::string metrics = content(folder / "run/metrics.jsonl");
  check_refused(train_tiny(folder, "--stage 3"), 1,
                {"codes.safetensors: was trained on another codebook than", "vqgan.safetensors: expected ", ", found "});
  fs::copy(tiny_run().path / "vqgan.safetensors", folder / "run/vqgan.safetensors", fs::copy_options::overwrite_existing);
  check_refused(train_tiny(folder, "--stage 3"), 1,
                {"discriminator.safetensors: was trained on another codebook than", "vqgan.safetensors: expected ", ", found "});
  CHECK(content(folder / "run/metrics.jsonl") == metrics);
  const ProgramRun fresh = train_tiny(folder, "-q --stage 3 --set stage3.discriminator=new");
  CHECK_MESSAGE(fresh.exit_code == 0, fresh.output);
}

TEST_CASE("train: only stages of the recipe run, on the results that its `from` names") {
  const Scratch folder;
  const std::string from = "-q --set stages=[2] --set from=" + quoted(tiny_run().path);
  check_refused(train_tiny(folder, "--stage 3 " + from), 2, {"--stage 3: the recipe has stages 2 to 2"});
  check_refused(train_tiny(folder, "-q --set stages=[2] --set from=" + quoted(folder / "nowhere")), 1,
                {"nowhere/vqgan.safetensors: missing", "result of stage 1"});
  CHECK(!fs::exists(folder / "run"));
  const ProgramRun run = train_tiny(folder, from);
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(content(folder / "run/codes.safetensors") == content(tiny_run().path / "codes.safetensors"));
}

TEST_CASE("train: colourisation, end to end") {
  const Scratch folder;
  const std::string stage2 = "-q --json --set stages=[2] --set stage2.steps=3 --set from=" + quoted(tiny_run().path);
  const ProgramRun plain = train_tiny(folder, stage2), run = train_tiny(folder, stage2 + " --set degrade.grey_probability=1 "
                                            "--set degrade.colour_shift_probability=1 --set degrade.colour_jitter_probability=1");
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(all_finite(metrics_of(folder / "run", "stage2")));
  const auto colour = nlohmann::json::parse(run.out), blind = nlohmann::json::parse(plain.out);
  CHECK(colour["restored"].size() == 1);
  CHECK(colour["restored"][0]["w"] == 0);
  CHECK(colour["degraded"]["psnr"] < blind["degraded"]["psnr"]);  // colours are gone, too
}

TEST_CASE("train: inpainting, end to end: from stage I, white strokes, a new discriminator, w = 1 throughout") {
  const Scratch folder;
  const ProgramRun run = train_tiny(folder, "-q --set stages=[3] --set stage3.grows_from=stage1 --set stage3.discriminator=new --set data.corrupt=strokes "
                                            "--set adain=false --set stage3.steps=3 --set stage3.gan_start=1 --set from=" + quoted(tiny_run().path));
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  const auto steps = metrics_of(folder / "run", "stage3");
  REQUIRE(steps.size() == 3);
  CHECK(all_finite(steps));
  for (const auto& step : steps) {
    CHECK(step["w"] == 1);
    CHECK(step.contains("l_g_pix"));
    CHECK(step.contains("cross_entropy_loss"));
  }
  CHECK(steps[2].contains("l_d_fake"));
  CHECK(same_part(folder / "run/codeformer.safetensors", tiny_run().path / "vqgan.safetensors", "generator."));
  CHECK(fs::exists(folder / "run/sheet.png"));
}
