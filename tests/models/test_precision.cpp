// Fast rows paint the same picture as exact ones, from the same codes; training is exact.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "autograd/precision.h"
#include "models/codeformer/codeformer.h"
#include "tests/models/tiny.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

// Wide enough for the Winograd rows.
CodeFormerArgs arguments() {
  CodeFormerArgs a{.dim_embd = 16, .n_head = 2, .n_layers = 1, .latent_size = 1024, .connect_list = {32, 64}};
  a.backbone = tiny_vqgan({1, 2}, 64);
  a.backbone.attn_resolutions = {32};
  return a;
}

double worst_difference(const Tensor& a, const Tensor& b) {
  double worst = 0;
  for (int64_t i = 0; i < a.numel(); ++i) worst = std::max(worst, std::fabs(a.item(i) - b.item(i)));
  return worst;
}

}  // namespace

TEST_CASE("codeformer: fast and exact rows choose the same codes and paint within half a grey level") {
  ParameterStore store({.seed = 5});
  const CodeFormer net(store.root(), arguments());
  scatter(store);
  store.eval();
  const Tensor x = tiny_image(1, 64, 3, DType::f32);
  const auto run = [&] { return net(x, {.w = 0.7, .adain = true}); };
  const Tensor trained = run().image.value();
  {
    const ExactOnly only;
    CHECK(worst_difference(trained, run().image.value()) == 0);
  }
  const NoGrad off;
  const CodeFormerOutput fast = run();
  const ExactOnly only;
  const CodeFormerOutput exact = run();
  CHECK(std::memcmp(fast.indices.raw(), exact.indices.raw(), exact.indices.bytes()) == 0);
  const double worst = worst_difference(fast.image.value(), exact.image.value()), half_level = 0.5 * 2 / 255;
  CHECK(worst < half_level);
  CHECK(worst > 0);  // the fast rows were chosen
  // Inference sums moments in another order, in the convolutions: rounding, no more.
  CHECK(worst_difference(trained, exact.image.value()) < half_level / 100);
}
