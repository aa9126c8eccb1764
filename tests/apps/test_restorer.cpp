// The restorer in the test's own hands: what happens where work cannot be recorded.
#include "apps/restore/restorer.h"

#include <cstring>

#include "autograd/finite_watch.h"
#include "tensor/random.h"
#include "tests/apps/restoring.h"

using namespace kintsugi;

TEST_CASE("restorer: a batch that cannot be recorded runs as the first one did, and why is told") {
  const Restorer restorer(tiny_run().path.string(), {DeviceKind::sim, 0});
  const Tensor faces = random_uniform({1, 16, 16, 3}, -1, 1, 3, "faces");
  const auto run = [&] { return restorer(faces, {0.5, 1.0}, false); };
  const std::vector<Tensor> first = run();
  {
    const FiniteWatch reading_back;  // which a recording refuses
    for (int again = 0; again < 2; ++again) {
      const std::vector<Tensor> results = run();
      for (size_t i = 0; i < first.size(); ++i) CHECK(std::memcmp(results[i].raw(), first[i].raw(), first[i].bytes()) == 0);
    }
  }
  CHECK(restorer.replays() == 0);
  CHECK(restorer.why_not_recorded().find("cannot be recorded") != std::string::npos);
  // Another kind of batch is tried again.
  for (int again = 0; again < 2; ++again) restorer(faces, {0.5}, false);
  CHECK(restorer.replays() == 1);
}
