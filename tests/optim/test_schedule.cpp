#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/error.h"
#include "optim/schedule.h"
#include "tests/harness/golden.h"

using namespace kintsugi;

TEST_CASE("schedules give the recorded rates") {
  const auto golden = open_golden("ops_optim.safetensors");
  if (!golden) return;
  const std::vector<std::pair<const char*, Schedule>> cases = {
      {"cosine_stage1_short", cosine_restart(7e-5, {20}, {1}, 6e-5)},
      {"cosine_restarts", cosine_restart(1e-3, {10, 10, 5}, {1, 0.5, 0.5}, 1e-7)},
      {"multistep", multistep_restart(1e-4, {4, 4, 9}, 0.5)},
      {"multistep_restart", multistep_restart(1e-4, {4, 9}, 0.5, {0, 6}, {1, 0.8})},
      {"torch_cosine", cosine(1e-3, 10, 1e-5)},
      {"torch_multistep", multistep(1e-3, {3, 8}, 0.1)},
  };
  for (const auto& [name, schedule] : cases) {
    const Tensor rates = golden->read(std::string("lr/") + name);
    for (int64_t i = 0; i < rates.numel(); ++i) {
      INFO(name, " position ", i);
      CHECK(schedule(i) == doctest::Approx(rates.item(i)).epsilon(1e-12));
    }
  }
}

TEST_CASE("warm-up rises to the schedule's first rate and hands over") {
  const Schedule rate = warm_up(multistep(1.0, {6}, 0.5), 5);
  for (int i = 0; i < 4; ++i) CHECK(rate(i) == doctest::Approx((i + 1) / 5.0));
  CHECK(rate(4) == 1.0);
  CHECK(rate(6) == 0.5);
  CHECK(warm_up(constant_rate(3), -1)(0) == 3);
}

TEST_CASE("schedules at their ends") {
  const Schedule rate = cosine_restart(1, {4, 2}, {1, 0.5}, 0.1);
  CHECK(rate(0) == 1);
  CHECK(rate(4) == doctest::Approx(0.1));  // the end of a period belongs to it
  CHECK(rate(5) == doctest::Approx(0.1 + 0.5 * 0.9 * 0.5));
  CHECK(rate(7) == 0.1);
  CHECK(rate(1000) == 0.1);
  CHECK(multistep_restart(1, {6}, 0.5, {0, 6}, {1, 0.8})(6) == 0.8);  // a restart overrides a milestone of the same position
  CHECK_THROWS_WITH_AS(cosine_restart(1, {4, 2}, {1}), doctest::Contains("as many as periods (2), got 1"), Error);
  CHECK_THROWS_WITH_AS(multistep_restart(1, {4}, 0.5, {1}, {1}), doctest::Contains("ascend from 0"), Error);
}
