// Fast rows paint the same picture as exact ones, from the same codes; training is exact, and inference strays from the truth no further than it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "autograd/precision.h"
#include "autograd/rehearsal.h"
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

// The picture that the same weights give in f64.
Tensor truth_of(const ParameterStore& weights, const Tensor& x, const CodeFormerCall& call) {
  ParameterStore store({.dtype = DType::f64, .initialise = false});
  const CodeFormer net(store.root(), arguments());
  const auto from = weights.parameters(), to = store.parameters();
  for (size_t i = 0; i < from.size(); ++i) Tensor(to[i].var.value()).copy_(from[i].var.value());
  store.eval();
  return net(x.to(DType::f64), call).image.value();
}

}  // namespace

TEST_CASE("codeformer: fast and exact rows choose the same codes and paint within half a grey level") {
  ParameterStore store({.seed = 5});
  const CodeFormer net(store.root(), arguments());
  scatter(store);
  store.eval();
  const Tensor x = tiny_image(1, 64, 3, DType::f32);
  const CodeFormerCall call{.w = 0.7, .adain = true};
  const auto run = [&] { return net(x, call); };
  const Tensor trained = run().image.value();
  {
    const ExactOnly only;
    CHECK(worst_difference(trained, run().image.value()) == 0);
  }
  const NoGrad off;
  {
    const Rehearsal as_trained;
    CHECK(worst_difference(trained, run().image.value()) == 0);
  }
  const CodeFormerOutput fast = run();
  const ExactOnly only;
  const CodeFormerOutput exact = run();
  CHECK(std::memcmp(fast.indices.raw(), exact.indices.raw(), exact.indices.bytes()) == 0);
  const double worst = worst_difference(fast.image.value(), exact.image.value()), half_level = 0.5 * 2 / 255;
  CHECK(worst < half_level);
  CHECK(worst > 0);  // the fast rows were chosen
  // Exact inference normalises inside the convolutions, from moments that are summed in another order: other roundings than training's, and not more
  // of them. Each of the two pictures strays from that of f64 by its own; the worst of as many pixels differ by less than twice.
  const Tensor truth = truth_of(store, x, call);
  const double training = worst_difference(trained, truth), inference = worst_difference(exact.image.value(), truth);
  INFO("training is off by ", training, ", inference by ", inference);
  CHECK(worst_difference(trained, exact.image.value()) > 0);  // another way was taken
  CHECK(inference < 2 * training);
}
