// A generator's inference on the emulated GPU: its norms take the moments that the convolutions before them left, at once and from a recording, and the
// picture strays from the truth no further than without them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "autograd/rehearsal.h"
#include "kernels/base/device_graph.h"
#include "kernels/group_norm.h"
#include "nn/compute.h"
#include "tests/models/tiny.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

const Device kSim{DeviceKind::sim, 0};

// Images of at least 128 pixels, groups of four channels: no row refuses. Norms: two in each of four ResBlocks, that of attention, the last one.
VqganArgs arguments() {
  VqganArgs a = tiny_vqgan({1, 1}, 32);
  a.attn_resolutions = {};
  a.norm_groups = 8;
  a.emb_dim = 8;
  return a;
}
constexpr int kNorms = 10;

// Calls of group_norm_fwd while it lives.
struct Norms {
  int with_moments = 0, without = 0;
  KernelPreference watch{[this](const FamilyInfo& family, DeviceKind, const void* args) {
    if (family.name() == std::string("group_norm_fwd")) ++(static_cast<const GroupNormFwd*>(args)->moments ? with_moments : without);
    return std::string();
  }};
};

double worst_difference(const Tensor& a, const Tensor& b) {
  double worst = 0;
  for (int64_t i = 0; i < a.numel(); ++i) worst = std::max(worst, std::fabs(a.item(i) - b.item(i)));
  return worst;
}

// The same weights in another place or type.
struct Net {
  ParameterStore store;
  Generator generator;
  explicit Net(StoreOptions options) : store(options), generator(store.root(), arguments()) { store.eval(); }
  void take(const ParameterStore& other) {
    const auto from = other.parameters(), to = store.parameters();
    for (size_t i = 0; i < from.size(); ++i) Tensor(to[i].var.value()).copy_(from[i].var.value().to(to[i].var.dtype()).to(store.device()));
  }
};

}  // namespace

TEST_CASE("inference on a GPU: norms take the moments that convolutions left, also from a recording") {
  Net cpu({.seed = 5}), exact({.dtype = DType::f64, .initialise = false});
  scatter(cpu.store);
  exact.take(cpu.store);
  const Tensor latent = random_normal({1, 16, 16, 8}, 0, 1, 7, "latent");
  const NoGrad off;
  const Tensor truth = exact.generator(latent.to(DType::f64)).value();
  for (const bool bf16 : {false, true}) {
    INFO(std::string(bf16 ? "bf16" : "f32"));
    Net net({.initialise = false, .device = kSim, .bf16_compute = bf16});
    net.take(cpu.store);
    const Tensor x = latent.to(kSim);
    Norms norms;
    const auto counted = [&](auto&& work) {
      norms.with_moments = norms.without = 0;
      work();
    };
    Tensor alone, picture, recorded;
    counted([&] {
      const Rehearsal as_trained;
      alone = net.generator(x).value().host();
    });
    CHECK(norms.with_moments == 0);
    CHECK(norms.without == kNorms);
    counted([&] { picture = net.generator(x).value().host(); });
    CHECK(norms.without == 1);  // the sum behind attention has no convolution that was told of a norm
    CHECK(norms.with_moments == kNorms - 1);
    // Other roundings than those of its own sums, and not more of them: the two stray from the truth alike.
    const double own = worst_difference(alone, truth), left = worst_difference(picture, truth);
    INFO("with its own moments off by ", own, ", with those left ", left);
    if (!bf16) CHECK(worst_difference(alone, picture) > 0);  // which bf16 may well round away
    CHECK(left < 2 * own);

    counted([&] {
      const DeviceGraph graph(kSim, [&] { recorded = net.generator(x).value(); });
      graph.launch();
      const Tensor again = recorded.host();
      CHECK(std::memcmp(again.raw(), picture.raw(), picture.bytes()) == 0);
    });
    CHECK(norms.with_moments == kNorms - 1);
  }
}
