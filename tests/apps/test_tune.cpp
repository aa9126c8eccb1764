// Choices of rows by measured time: what is written, what a file may hold, and that a choice is for its problem alone.
#include <nlohmann/json.hpp>

#include "apps/bench/tune.h"
#include "kernels/conv2d.h"
#include "kernels/softmax.h"
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
using namespace kintsugi::bench;

namespace {

Measurement timed(std::string family, std::string shape, std::string row, double seconds, Cost cost, std::string kind = "") {
  Measurement m;
  m.family = std::move(family), m.shape = std::move(shape), m.row = std::move(row), m.kind = std::move(kind);
  m.cost = cost, m.seconds = seconds, m.samples = 5;
  return m;
}
SoftmaxFwd softmax_of(int64_t rows, int64_t width, DType dtype = DType::f32) { return {nullptr, nullptr, rows, width, dtype}; }
TunedChoice choice_of(int64_t rows, int64_t width, std::string row) {
  const Cost cost = find_bench(softmax_fwd)->cost(std::make_shared<const SoftmaxFwd>(softmax_of(rows, width)).get());
  return {"softmax_fwd", "a shape", std::move(row), DeviceKind::cpu, DType::f32, "", cost.flops, cost.bytes, 1e-3};
}
std::string message_of(const std::string& json) {
  try {
    choices_from_json(json, "tuned.json");
  } catch (const UsageError& e) {
    return e.what();
  }
  return "no error";
}
#define CHECK_SAYS(message, part) CHECK_MESSAGE((message).find(part) != std::string::npos, "'", part, "' is not in: ", (message))

}  // namespace

TEST_CASE("tune: the fastest row of each problem that may be chosen by time") {
  const MeasureOptions cpu;
  const Cost one{100, 200}, two{300, 400};
  auto untimed = timed("conv2d_fwd", "b", "fast", 0, two);
  untimed.samples = 0, untimed.wrong = true;
  const auto got = best_choices({timed("softmax_fwd", "a", "fast", 2, one), timed("softmax_fwd", "a", "ref", 1, one),
                                 untimed, timed("conv2d_fwd", "b", "winograd", 8, two), timed("conv2d_fwd", "b", "ref", 9, two),
                                 timed("softmax_fwd", "a", "onednn", 0.5, one),                              // another library's
                                 timed("softmax_fwd", "c", "fast", 1, two), timed("embedding_fwd", "d", "ref", 1, one)},  // compared with nothing
                                cpu);
  REQUIRE(got.size() == 2);
  CHECK(got[0].row == "winograd");
  CHECK(got[0].shape == "b");
  CHECK(got[1].row == "ref");
  CHECK(got[1].shape == "a");
  CHECK(got[1].seconds == 1);
  // Two shapes of one cost share the row that serves both best, and a row timed on only one of them serves neither.
  const auto shared = best_choices({timed("conv2d_fwd", "a", "fast", 2, one, "k"), timed("conv2d_fwd", "a", "winograd", 1, one, "k"), timed("conv2d_fwd", "b", "fast", 2, one, "k"),
                                    timed("conv2d_fwd", "b", "winograd", 4, one, "k"), timed("conv2d_fwd", "b", "ref", 0.1, one, "k"),
                                    timed("conv2d_fwd", "c", "winograd", 1, one, "other"), timed("conv2d_fwd", "c", "fast", 2, one, "other")}, cpu);
  REQUIRE(shared.size() == 2);
  CHECK(shared[0].row == "fast");
  CHECK(shared[0].shape == "a; b");
  CHECK(shared[0].seconds == 4);
  CHECK(shared[1].row == "winograd");
  // Rows that round to tf32 are faster by computing something else.
  MeasureOptions sim;
  sim.device = {DeviceKind::sim, 0};
  const auto rounded = best_choices({timed("matmul", "a", "tf32", 1, one), timed("matmul", "a", "tile", 2, one), timed("matmul", "a", "naive", 3, one)}, sim);
  REQUIRE(rounded.size() == 1);
  CHECK(rounded[0].row == "tile");
  CHECK(rounded[0].device == DeviceKind::sim);
}

TEST_CASE("tune: a choice is for its own problem and device, and loses to a row chosen by name") {
  CHECK(std::string(softmax_fwd.pick(DeviceKind::cpu, softmax_of(256, 1024)).name) == "fast");
  const std::string on_sim = softmax_fwd.pick(DeviceKind::sim, softmax_of(256, 1024)).name;
  {
    const TunedKernels tuned({choice_of(256, 1024, "ref")});
    CHECK(std::string(softmax_fwd.pick(DeviceKind::cpu, softmax_of(256, 1024)).name) == "ref");
    CHECK(std::string(softmax_fwd.pick(DeviceKind::cpu, softmax_of(255, 1024)).name) == "fast");
    CHECK(softmax_fwd.pick(DeviceKind::sim, softmax_of(256, 1024)).name == on_sim);
    CHECK(std::string(log_softmax_fwd.pick(DeviceKind::cpu, softmax_of(256, 1024)).name) == "fast");
    const KernelChoice by_name("softmax_fwd", "fast");
    CHECK(std::string(softmax_fwd.pick(DeviceKind::cpu, softmax_of(256, 1024)).name) == "fast");
    CHECK_THROWS_AS(TunedKernels({choice_of(256, 1024, "ref")}), Error);  // one at a time
  }
  CHECK(std::string(softmax_fwd.pick(DeviceKind::cpu, softmax_of(256, 1024)).name) == "fast");
  // A row that refuses the call is passed over: here f32's row, asked for in f64.
  TunedChoice f64 = choice_of(256, 1024, "fast");
  f64.bytes *= 2;
  const TunedKernels tuned({f64});
  CHECK(std::string(softmax_fwd.pick(DeviceKind::cpu, softmax_of(256, 1024, DType::f64)).name) == "ref");
}

TEST_CASE("tune: files are read strictly") {
  const std::string good = to_json_text({choice_of(256, 1024, "ref")});
  const auto read = choices_from_json(good, "tuned.json");
  REQUIRE(read.size() == 1);
  CHECK(read[0].flops == choice_of(256, 1024, "ref").flops);
  const auto spoilt = [&](const std::function<void(nlohmann::json&)>& spoil) {
    auto j = nlohmann::json::parse(good);
    spoil(j);
    return message_of(j.dump());
  };
  CHECK_SAYS(message_of("{"), "tuned.json: is no JSON");
  CHECK_SAYS(spoilt([](auto& j) { j["what"] = "a recipe"; }), "'what' must be 'kintsugi kernel choices', got \"a recipe\"");
  CHECK_SAYS(spoilt([](auto& j) { j["format"] = 2; }), "'format' must be 1, got 2");
  CHECK_SAYS(spoilt([](auto& j) { j["extra"] = 2; }), "unknown key 'extra'");
  CHECK_SAYS(spoilt([](auto& j) { j["choices"][0].erase("row"); }), "choice 1: 'row' is missing");
  CHECK_SAYS(spoilt([](auto& j) { j["choices"][0]["shapes"] = 1; }), "choice 1: unknown key 'shapes'");
  CHECK_SAYS(spoilt([](auto& j) { j["choices"][0]["family"] = "sofmax_fwd"; }), "no family is called 'sofmax_fwd'; there are: ");
  CHECK_SAYS(spoilt([](auto& j) { j["choices"][0]["row"] = "quick"; }), "softmax_fwd has no row 'quick' on cpu; there are:");
  CHECK_SAYS(spoilt([](auto& j) { j["choices"][0]["row"] = "quick"; }), "fast (cpu)");
  CHECK_SAYS(spoilt([](auto& j) { j["choices"][0]["device"] = "tpu"; }), "'device' must be one of cpu, cuda, sim, got 'tpu'");
  CHECK_SAYS(spoilt([](auto& j) { j["choices"][0]["dtype"] = "f16"; }), "'dtype' must be one of f32, bf16, got 'f16'");
  CHECK_SAYS(spoilt([](auto& j) { j["choices"][0]["flops"] = "many"; }), "'flops' must be a number");
}

TEST_CASE("tune: as commands") {
  const Scratch folder;
  const auto file = folder / "tuned.json";
  const ProgramRun tune = run_program("bench softmax_fwd --shapes 256x1024 --rows fast,ref --seconds 0.001 --threads 1 --tune " + quoted(file));
  CHECK_MESSAGE(tune.exit_code == 0, tune.output);
  const auto choices = choices_from_json(content(file), "tuned.json");
  REQUIRE(choices.size() == 1);
  CHECK(choices[0].shape == "256x1024 logits");
  const std::string replay = "bench softmax_fwd --shapes 256x1024 --rows fast --seconds 0.001 --threads 1 --kernels ";
  CHECK(run_program(replay + "'@" + file.string() + "'").exit_code == 0);
  check_refused(run_program(replay + "@/nowhere/tuned.json"), 1, {"/nowhere/tuned.json"});
  write_text(file, "{}");
  check_refused(run_program(replay + "'@" + file.string() + "'"), 2, {"tuned.json", "is missing"});
}
