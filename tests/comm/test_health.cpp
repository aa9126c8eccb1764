// Which rank is named, and when: Watch with a clock of the test's own.
#include <doctest/doctest.h>

#include "kernels/base/error.h"
#include "tensor/comm/health.h"

using namespace kintsugi;
using namespace kintsugi::comm;

namespace {

const Clock::time_point kStart{};
Clock::time_point after(double s) { return kStart + seconds(s); }

}  // namespace

TEST_CASE("watch: a rank that works without a sign of life is named once another waits for it") {
  Watch w(3, 10, kStart);
  for (double t = 1; t <= 30; ++t) {
    w.heard(0, {uint64_t(t), 0, true}, after(t));
    w.heard(1, {5, uint64_t(t), false}, after(t));  // slow, but its loop gives signs of life
    w.heard(2, {5, 7, false}, after(t));
    const std::string verdict = w.verdict(after(t));
    if (t <= 11) CHECK(verdict == "");
    else CHECK(verdict == "rank 2 hangs: no sign of life from its work for 10 s, while rank 0 waits for it");
  }
}

TEST_CASE("watch: nobody is named while nobody waits") {
  Watch w(2, 10, kStart);
  for (double t = 1; t <= 100; ++t) {
    for (int r : {0, 1}) w.heard(r, {}, after(t));
    CHECK(w.verdict(after(t)) == "");
  }
}

TEST_CASE("watch: a silent rank is named, one that has said good-bye is not") {
  Watch w(3, 10, kStart);
  w.left(1);
  for (double t = 1; t <= 12; ++t) w.heard(0, {0, uint64_t(t), false}, after(t));
  CHECK(w.verdict(after(9)) == "");
  CHECK(w.verdict(after(12)).starts_with("rank 2 has not been heard of for 10 s"));
  CHECK(w.silent(after(12)) == w.verdict(after(12)));
  w.start_over(after(12));
  CHECK(w.verdict(after(12)) == "");
}

TEST_CASE("watch: ranks that wait in different operations are told apart, those that wait for one that left, and a dead network") {
  const auto waiting = [](uint64_t first, uint64_t second) {
    Watch w(2, 10, kStart);
    for (double t = 0; t <= 12; ++t) w.heard(0, {first, 0, true}, after(t)), w.heard(1, {second, 0, true}, after(t));
    return w;
  };
  CHECK(waiting(4, 3).verdict(after(5)) == "");
  CHECK(waiting(4, 3).verdict(after(12)).starts_with("rank 1 waits in operation 3 and rank 0 in operation 4 for 10 s"));
  CHECK(waiting(4, 4).verdict(after(12)).starts_with("all ranks have waited in operation 4 for 10 s"));
  Watch w = waiting(4, 3);
  w.left(1);
  CHECK(w.verdict(after(12)) == "rank 1 has left, while rank 0 waits for it");
}

TEST_CASE("health: the first reason counts, and every listener hears it once") {
  Health h;
  CHECK_NOTHROW(h.check());
  std::string heard;
  h.on_failure([&](const std::string& why) { heard += why; });
  h.fail("first");
  h.fail("second");
  h.on_failure([&](const std::string& why) { heard += "+" + why; });
  CHECK(heard == "first+first");
  CHECK_THROWS_WITH_AS(h.check(), "first", Error);
  CHECK_THROWS_WITH_AS(h.broken("a connection broke"), "first", Error);
  {
    const Health::Waiting waiting(h);
    CHECK(h.beat().waiting);
  }
  CHECK(!h.beat().waiting);
}
