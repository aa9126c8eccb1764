// kintsugi train on a device: steps that are recorded and started as a whole (apps/train/recorded_step.h) leave the bits of steps started kernel by
// kernel. On the emulated GPU.
#include <algorithm>

#include "tensor/safetensors.h"
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

// A thousand kernels a step, however small: so small that the emulated GPU takes a second for it.
const std::string kSmall = "--set data.validation=1 --set model.nf=8 --set model.ch_mult=[1,1] --set model.norm_groups=4 --set model.ndf=2 "
                           "--set model.emb_dim=4 --set model.codebook_size=8 --set model.dim_embd=8 --set stage1.batch=1 --set stage2.batch=1 "
                           "--set stage3.batch=1 ";
const std::string kSim = kSmall + "--device sim ";

// What stages II and III start from.
const fs::path& base() {
  static const Scratch folder;
  static const ProgramRun once = train_tiny(folder, kSmall + "-q --stage 1 --stage 2 --set stage1.steps=1 --set stage2.steps=1");
  static const fs::path path = folder / "run";
  REQUIRE_MESSAGE(once.exit_code == 0, once.output);
  return path;
}

std::string set(const std::string& stage, const std::vector<std::string>& values) {
  std::string all;
  for (const auto& v : values) all += "--set " + stage + "." + v + " ";
  return all;
}

ProgramRun train_on_sim(const Scratch& folder, const std::string& record, const std::string& more) {
  ProgramRun run = train_tiny(folder, kSim + "--set record=" + record + " " + more);
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  return run;
}

// Weights, moments, averages, counters: all of a training state, or of a checkpoint.
void check_same_tensors(const fs::path& a, const fs::path& b) {
  INFO(a.string());
  const SafetensorsFile one(a.string()), other(b.string());
  REQUIRE(one.names() == other.names());
  REQUIRE(!one.names().empty());
  for (const std::string& name : one.names()) {
    const Tensor x = one.read(name), y = other.read(name);
    REQUIRE(x.bytes() == y.bytes());
    CHECK_MESSAGE(std::memcmp(x.raw(), y.raw(), x.bytes()) == 0, name);
  }
}

// Losses, norms and rates of every step, and the validations.
std::vector<Json> numbers_of(const fs::path& run) {
  std::vector<Json> all = metrics_of(run);
  std::erase_if(all, [](const Json& values) { return values["stage"].get<std::string>().ends_with(" health"); });
  return all;
}

void check_same_runs(const Scratch& a, const Scratch& b, const std::vector<std::string>& files) {
  for (const std::string& file : files) check_same_tensors(a / "run" / file, b / "run" / file);
  const std::vector<Json> one = numbers_of(a / "run"), other = numbers_of(b / "run");
  REQUIRE(one.size() == other.size());
  for (size_t i = 0; i < one.size(); ++i) CHECK_MESSAGE(one[i] == other[i], one[i].dump() << "\n" << other[i].dump());
}

constexpr const char* kRecorded = "a step is recorded";

// A rate that changes in every step, clipping that bites, weight decay.
const std::vector<std::string> kChanging = {"warmup=3", "clip=0.05", "weight_decay=0.01"};

}  // namespace

TEST_CASE("train, recorded: stage I, without and with the discriminator, a validation in between") {
  const Scratch recorded, plain;
  const std::string more = "--stage 1 " + set("stage1", kChanging) + set("stage1", {"steps=7", "gan_start=3", "validate_every=5", "lr_d=3e-3"});
  const ProgramRun run = train_on_sim(recorded, "auto", more);
  CHECK_MESSAGE(count(run.err, kRecorded) == 2, run.err);
  CHECK(count(run.err, "with discriminator, [1,16,16,3] f32 sim") == 1);
  CHECK(count(train_on_sim(plain, "off", more).err, kRecorded) == 0);
  check_same_runs(recorded, plain, {"state/stage1-7.safetensors", "vqgan.safetensors", "discriminator.safetensors"});
  const Json last = metrics_of(recorded / "run", "stage1").back();
  CHECK(last["grad_norm"] > 0.05);  // it was clipped
  CHECK(last.contains("d_weight_clamped"));
}

TEST_CASE("train, recorded: stage II, codes made in the step or kept in a file, and in bf16") {
  const std::string more = "--stage 2 --from " + quoted(base()) + " " + set("stage2", kChanging) + set("stage2", {"steps=3"});
  const Scratch codes;
  for (const std::string& way : {std::string(), "--set cache_codes=" + quoted(codes / "kept"), std::string("--set compute=bf16")}) {
    INFO(way);
    const Scratch recorded, plain;
    CHECK(count(train_on_sim(recorded, "on", more + way).err, kRecorded) == 1);
    train_on_sim(plain, "off", more + way);
    check_same_runs(recorded, plain, {"state/stage2-3.safetensors", "codes.safetensors"});
  }
}

TEST_CASE("train, recorded: stage III, codes and images in turn, from before the discriminator on") {
  const Scratch recorded, plain;
  const std::string more = "--stage 3 --from " + quoted(base()) + " " + set("stage3", kChanging) +
                           set("stage3", {"steps=8", "gan_start=5", "phase_ends=[6]", "phase_w='[1, 0.5]'", "phase_small_every='[2, 1]'"});
  const ProgramRun run = train_on_sim(recorded, "auto", more);
  CHECK_MESSAGE(count(run.err, kRecorded) == 3, run.err);  // w = 1 with discriminator was there once only
  train_on_sim(plain, "off", more);
  check_same_runs(recorded, plain, {"state/stage3-8.safetensors", "codeformer.safetensors"});
}

TEST_CASE("train, recorded: a run goes on from its state with the same bits, and with or without recording") {
  const std::string stage = "-q --stage 1 " + set("stage1", {"gan_start=1", "warmup=2", "save_every=3"});
  const Scratch whole, parts;
  train_on_sim(whole, "on", stage + set("stage1", {"steps=5"}));
  train_on_sim(parts, "on", stage + set("stage1", {"steps=5"}));
  fs::remove(parts / "run/state/stage1-5.safetensors");
  REQUIRE(fs::exists(parts / "run/state/stage1-3.safetensors"));
  train_on_sim(parts, "off", "--resume " + stage + set("stage1", {"steps=5"}));
  check_same_runs(whole, parts, {"state/stage1-5.safetensors", "vqgan.safetensors"});
}

TEST_CASE("train, recorded: a step that is not finite moves nothing and is told as without recording") {
  // Step 0 has a small rate, step 1, the first that is started as recorded, one that throws the weights so far off that step 2 overflows.
  const std::string blow_up = "-q --stage 2 --from " + quoted(base()) + " " + set("stage2", {"steps=4", "lr=1e-3", "lr_end=1e30"});
  std::vector<std::string> told;
  for (const char* record : {"on", "off"}) {
    const Scratch folder;
    const ProgramRun run = train_tiny(folder, kSim + blow_up + "--set record=" + record);
    check_refused(run, 1, {"stage2, step 2: ", "not finite", "the first tensor that is not: result of", " in "});
    told.push_back(run.err);
  }
  CHECK(told[0] == told[1]);
}

TEST_CASE("train, recorded: what cannot be recorded says why, once") {
  const Scratch folder;
  const std::string more = "--stage 2 --from " + quoted(base()) + " --set stage2.accumulate=2 --set stage2.steps=3 ";
  const ProgramRun run = train_on_sim(folder, "on", more);
  CHECK(count(run.err, "stage2: steps are not recorded but started kernel by kernel: a step is made of 2 micro-batches") == 1);
  CHECK(count(run.err, kRecorded) == 0);
  const Scratch cpu;
  check_refused(train_tiny(cpu, "--set record=on --device cpu"), 2, {"record = \"on\"", "got cpu"});
  check_refused(train_tiny(cpu, "--set record=never --device cpu"), 2, {"record", "never"});
}

TEST_CASE("train, recorded: where there is no memory for a recording steps go on kernel by kernel") {
  // A recording needs somewhat more than the step that went before it: so the least memory that suffices for a run does not suffice for that.
  const std::string more = "--stage 1 " + set("stage1", {"steps=2", "batch=4", "gan_start=9"});
  const Scratch plain;
  train_on_sim(plain, "off", more);
  const double peak = metrics_of(plain / "run", "stage1 health").back()["tensors_mib"].get<double>() * (1 << 20);
  for (double share = 1.04;; share += 0.02) {
    REQUIRE(share < 1.5);
    const Scratch folder;
    const ProgramRun run = train_tiny(folder, kSim + more, text("KINTSUGI_SIM_MEMORY=", int64_t(peak * share)));
    if (run.exit_code != 0) continue;
    CHECK_MESSAGE(count(run.err, "stage1: steps are not recorded but started kernel by kernel: out of memory on sim in ") == 1, run.err);
    check_same_runs(folder, plain, {"state/stage1-2.safetensors"});
    break;
  }
}
