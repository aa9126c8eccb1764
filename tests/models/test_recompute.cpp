// Running blocks again in backward: the same bits from less memory. And the names layers give to a watch for NaNs.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "autograd/engine.h"
#include "autograd/finite_watch.h"
#include "models/codeformer/stages.h"
#include "tests/models/tiny.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

struct Net {
  ParameterStore store{{.seed = 5}}, d_store{{.seed = 6}};
  CodeFormer net{store.root(),
                 {.backbone = tiny_vqgan({1, 1}, 32),
                  .dim_embd = 8,
                  .n_head = 2,
                  .n_layers = 1,
                  .latent_size = 256,
                  .connect_list = {16, 32}}};
  Discriminator d{d_store.root(), {3, 4, 2}};
  Tensor in = tiny_image(1, 32, 1, DType::f32), gt = tiny_image(1, 32, 2, DType::f32);
  Tensor target = Tensor::zeros({1, 256}, DType::i64);
  explicit Net(bool recompute) {
    scatter(store);
    freeze_codebook_and_generator(store);
    store.recompute(recompute);
  }
};

}  // namespace

TEST_CASE("recompute: a joint step leaves the same gradients") {
  const Net a(false), b(true);
  joint_generator_step(a.net, &a.d, a.in, a.gt, a.target, 0.7);
  joint_generator_step(b.net, &b.d, b.in, b.gt, b.target, 0.7);
  const ParameterList pa = a.store.trainable(), pb = b.store.trainable();
  for (size_t i = 0; i < pa.size(); ++i) {
    const Tensor &ga = pa[i].var.grad(), &gb = pb[i].var.grad();
    REQUIRE(bool(ga) == bool(gb));
    if (ga) CHECK_MESSAGE(std::memcmp(ga.raw(), gb.raw(), ga.bytes()) == 0, pa[i].name);
  }
}

TEST_CASE("recompute: the graph holds less") {
  const auto held = [](bool recompute) {
    const Net n(recompute);
    const size_t before = allocator_stats().live_bytes;
    const CodeFormerOutput out = n.net(n.in, {.w = 0.7});
    return double(allocator_stats().live_bytes - before);
  };
  CHECK(held(true) < 0.5 * held(false));
}

TEST_CASE("a NaN is found in the layer that made it") {
  Net n(false);
  Tensor w = n.store.param("encoder.blocks.1.conv2.bias").value();
  w.data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  const FiniteWatch watch;
  n.net(n.in, {.code_only = true});
  CHECK(watch.first().find("encoder.blocks.1.conv2") != std::string::npos);
}
