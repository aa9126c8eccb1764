// What watches a training: use of codes, the health panel, and each sign of a dead stage, on made-up series.
#include <doctest/doctest.h>

#include <cmath>

#include "apps/watch/dead_stage.h"
#include "apps/watch/health.h"

using namespace kintsugi;

namespace {

/// Steps of `values` until something is told; the number of the step, or -1 within 100.
int dies_at(DeadStage& stage, const Values& values, std::optional<double> perplexity = {}) {
  for (int step = 1; step <= 100; ++step)
    if (!stage.observe(values, perplexity).empty()) return step;
  return -1;
}

std::string reason(DeadStage& stage, const Values& values, std::optional<double> perplexity = {}) {
  for (int step = 0; step < 100; ++step)
    if (const auto told = stage.observe(values, perplexity); !told.empty()) return told.size() == 1 ? told[0] : "more than one";
  return {};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const WatchOptions kQuick{.dead_steps = 5};

}  // namespace

TEST_CASE("watch: live codes and perplexity of a window that moves") {
  CodeUse use(4, 2);
  CHECK(use.empty());
  use.add(std::vector<int64_t>{0, 1, 2, 3});
  CHECK(use.live() == 4);
  CHECK(use.perplexity() == doctest::Approx(4));
  CHECK(!use.full());
  use.add(std::vector<int64_t>{1, 1, 1, 1});
  CHECK(use.full());
  CHECK(use.live() == 4);
  // Shares 5/8 and three times 1/8.
  CHECK(use.perplexity() == doctest::Approx(std::exp(-(0.625 * std::log(0.625) + 0.375 * std::log(0.125)))));
  CHECK(use.use() == std::vector<double>{0.5, 2.5, 0.5, 0.5});
  use.add(std::vector<int64_t>{1});  // the first step leaves
  CHECK(use.live() == 1);
  CHECK(use.perplexity() == doctest::Approx(1));
  CHECK_THROWS_AS(use.add(std::vector<int64_t>{4}), Error);
  CHECK(use.live() == 1);
}

TEST_CASE("watch: a collapsed codebook is told once, after enough steps on end") {
  DeadStage stage(kQuick, 100);  // 2% of 100 codes
  for (int i = 0; i < 4; ++i) CHECK(stage.observe({}, 1.9).empty());
  CHECK(stage.observe({}, 2.0).empty());  // a step at the bound starts the count anew
  CHECK(dies_at(stage, {}, 1.9) == 5);
  CHECK(dies_at(stage, {}, 1.9) == -1);
  DeadStage other(kQuick, 100);
  const std::string told = reason(other, {}, 1.25);
  CHECK_MESSAGE(has(told, "the codes have collapsed: perplexity 1.25 of 100 codes, below watch.dead_perplexity = 0.02, for 5 steps"), told);
  DeadStage young(kQuick, 100);
  CHECK(dies_at(young, {}) == -1);  // no window yet
  WatchOptions off = kQuick;
  off.dead_perplexity = 0;
  DeadStage blind(off, 100);
  CHECK(dies_at(blind, {}, 1.0) == -1);
}

TEST_CASE("watch: a saturated discriminator, by its losses or by its logits") {
  const auto losses = [](double real, double fake) { return Values{{"l_d_real", real}, {"l_d_fake", fake}}; };
  const auto logits = [](double real, double fake) { return Values{{"out_d_real", real}, {"out_d_fake", fake}}; };
  const auto fresh = [] { return DeadStage(kQuick, 100); };
  DeadStage a = fresh(), b = fresh(), c = fresh(), d = fresh(), e = fresh(), f = fresh(), g = fresh();
  CHECK(has(reason(a, losses(0, 0.0009)), "saturated: its losses are 0 on real and 0.0009 on fake faces, below watch.dead_loss = 0.001"));
  CHECK(dies_at(b, losses(0, 0.002)) == -1);
  CHECK(dies_at(c, losses(-3, -3)) == -1);  // a critic's losses
  CHECK(has(reason(d, logits(20.5, -31)), "saturated: mean logits 20.5 on real and -31.0 on fake faces, beyond watch.dead_logits = 20"));
  CHECK(dies_at(e, logits(25, 5)) == -1);
  // Steps on codes alone have no discriminator and do not start the count anew; a step with a loss does.
  for (int i = 0; i < 4; ++i) CHECK(f.observe(losses(0, 0), {}).empty());
  CHECK(f.observe({}, {}).empty());
  CHECK(f.observe(losses(0, 0), {}).size() == 1);
  for (int i = 0; i < 4; ++i) CHECK(g.observe(losses(0, 0), {}).empty());
  CHECK(g.observe(losses(0.5, 0), {}).empty());
  CHECK(g.observe(losses(0, 0), {}).empty());
  WatchOptions off = kQuick;
  off.dead_loss = off.dead_logits = 0;
  DeadStage blind(off, 100);
  CHECK(dies_at(blind, {{"l_d_real", 0}, {"l_d_fake", 0}, {"out_d_real", 99}, {"out_d_fake", -99}}) == -1);
}

TEST_CASE("watch: an adaptive weight that is clamped all the time") {
  const auto weight = [](double value, double clamped) { return Values{{"d_weight_clamped", value}, {"d_weight_at_max", clamped}}; };
  DeadStage stage(kQuick, 100), moving(kQuick, 100);
  CHECK(has(reason(stage, weight(1, 1)), "the adaptive weight does not adapt: it is clamped to its upper bound 1, for 5 steps"));
  for (int i = 0; i < 50; ++i) CHECK(moving.observe(weight(i % 5 ? 1 : 0.9, i % 5 ? 1 : 0), {}).empty());
  WatchOptions off = kQuick;
  off.dead_adaptive = false;
  DeadStage blind(off, 100);
  CHECK(dies_at(blind, weight(1, 1)) == -1);
}

TEST_CASE("watch: the panel shows means over the window, and leaves out what a stage does not have") {
  Health health(8, 2, 10);
  CHECK(health.values(0, {}).empty());
  const std::vector<int64_t> codes{0, 1, 2, 3};
  const auto add = [&](double accuracy, double clamped, double norm) {
    const Values values{{"cross_entropy_loss", 2 * accuracy}, {"code_accuracy", accuracy}, {"d_weight_clamped", 0.5 + 0.5 * clamped}, {"d_weight_at_max", clamped},
                        {"grad_norm", norm}, {"lr", norm / 100}};
    const Values gradients{{"encoder", norm / 2}};
    health.add({values, gradients, codes, 4, 2.0, 0.5});
  };
  add(0.9, 1, 7);
  CHECK(!health.settled_perplexity());
  add(0.25, 0, 1);
  add(0.75, 1, 3);
  CHECK(*health.settled_perplexity() == doctest::Approx(4));
  const Values v = health.values(3, {.tensors = 5 << 20, .process = 7 << 20});
  const std::pair<const char*, double> expected[] = {
      {"live_codes", 4}, {"perplexity", 4}, {"code_accuracy", 0.5}, {"cross_entropy_loss", 1}, {"adaptive_weight", 0.75}, {"clamp_rate", 0.5},
      {"grad_norm", 2}, {"grad_norm/encoder", 1}, {"lr", 0.03}, {"images_per_second", 2}, {"data_wait", 0.25}, {"tensors_mib", 5}, {"process_mib", 7},
      {"eta_s", 14}};
  CHECK(v.size() == std::size(expected));
  for (const auto& [name, value] : expected) {
    REQUIRE_MESSAGE(find(v, name), name);
    CHECK_MESSAGE(*find(v, name) == doctest::Approx(value), name);
  }
  CHECK(panel(v, 8) == "codes 4/8, perplexity 4.0 | accuracy 50.0%, entropy 1.000 | adaptive 0.75, clamped 50% | gradient 2 | lr 0.03 | "
                       "2 images/s, 25% waiting | 7 MiB");
}
