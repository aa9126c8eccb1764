// Whole networks in f64 on the reference rows against finite differences: one random projection per parameter tensor.
// Stop-gradients, codes and kinks are replayed. The step, a tenth of the usual one, keeps the differences' own truncation error
// below 1e-6 in networks this deep.
#include <doctest/doctest.h>

#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "models/backbones/vgg.h"
#include "tests/models/tiny.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {
const StoreOptions kDouble{.dtype = DType::f64, .seed = 4};
constexpr double kLimit = 1e-6;

// A scalar that depends on every element in its own way.
Var probe(const Var& x) { return sum(x * Var(random_normal(x.shape(), 0, 1, 5, "probe", 0, x.dtype()))); }
}  // namespace

TEST_CASE("gradients: VQGAN, both placements of beta, codebook included") {
  for (BetaOn beta_on : {BetaOn::codebook, BetaOn::commitment}) {
    ParameterStore store(kDouble);
    VqganArgs args = tiny_vqgan({1}, 4);
    args.beta_on = beta_on;
    const VQAutoEncoder net(store.root(), args);
    scatter(store);
    const Tensor x = tiny_image(1, 4);
    const auto f = [&] {
      const auto out = net(x);
      return probe(out.image) + out.quantized.loss * 3.0;
    };
    CHECK(worst_parameter_error(f, store) <= kLimit);
  }
}

TEST_CASE("gradients: VQGAN with two levels: down, up and projected shortcuts") {
  ParameterStore store(kDouble);
  const VQAutoEncoder net(store.root(), tiny_vqgan({1, 2}, 4));
  scatter(store);
  const Tensor x = tiny_image(1, 4);
  CHECK(worst_parameter_error([&] { return probe(net(x).image); }, store) <= kLimit);
}

TEST_CASE("gradients: CodeFormer with fusion, AdaIN and attached codes") {
  ParameterStore store(kDouble);
  const CodeFormerArgs args{
      .backbone = tiny_vqgan({1}, 4), .dim_embd = 8, .n_head = 2, .n_layers = 2, .latent_size = 16, .connect_list = {4}};
  const CodeFormer net(store.root(), args);
  scatter(store);
  const Tensor x = tiny_image(1, 4);
  const auto f = [&] {
    const CodeFormerOutput out = net(x, {.w = 0.7, .detach_16 = false, .adain = true});
    return probe(out.image) + probe(out.logits) + probe(out.lq_feat);
  };
  CHECK(worst_parameter_error(f, store) <= kLimit);
}

TEST_CASE("gradients: discriminator in train and eval mode") {
  for (bool training : {true, false}) {
    ParameterStore store(kDouble);
    const Discriminator net(store.root(), {3, 4, 2});
    scatter(store);
    store.train(training);
    const Tensor x = tiny_image(2, 16);
    CHECK(worst_parameter_error([&] { return probe(net(x)); }, store) <= kLimit);
  }
}

TEST_CASE("gradients: VGG, image and features") {
  ParameterStore store(kDouble);
  const Vgg net(store.root(), VggDepth::vgg16, VggNames::layers, "conv2_1");
  const Var x(tiny_image(1, 8), true);
  const auto f = [&] {
    const auto features = net(imagenet_normalize(x), {"relu1_2", "conv2_1"});
    return probe(features.at("relu1_2")) + probe(features.at("conv2_1"));
  };
  CHECK(worst_error(gradcheck(f, {{"image", x}})) <= kLimit);
  store.unfreeze("*");
  CHECK(worst_parameter_error(f, store) <= kLimit);
}
