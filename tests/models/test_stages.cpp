// The training stages: which gradients they leave, what they report, and that the shortcut through the image's gradient equals
// the plain sum of losses.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/cross_entropy.h"
#include "kernels/base/device_graph.h"
#include "models/codeformer/stages.h"
#include "models/losses/lpips.h"
#include "models/vqgan/stage.h"
#include "tests/models/tiny.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

// Any smooth loss will do where VGG's 60 MB would only cost time.
const ImageLoss kSmooth = [](const Var& a, const Tensor& b) { return mse_loss(a, b) * 0.3; };
const StoreOptions kDouble{.dtype = DType::f64, .seed = 6};

double relative_difference(const Tensor& a, const Tensor& b) {
  double d = 0, n = 0;
  for (int64_t i = 0; i < a.numel(); ++i) {
    d += std::pow(a.item(i) - b.item(i), 2);
    n += std::pow(b.item(i), 2);
  }
  return std::sqrt(d / (n + 1e-300));
}

std::vector<Tensor> gradients(const ParameterStore& store) {
  std::vector<Tensor> out;
  for (const NamedVar& p : store.parameters()) out.push_back(p.var.grad() ? p.var.grad().clone() : Tensor());
  return out;
}

struct Vq {
  ParameterStore store{kDouble}, d_store{kDouble};
  VQAutoEncoder net{store.root(), tiny_vqgan({1}, 16)};
  Discriminator d{d_store.root(), {3, 4, 2}};
  Tensor gt = tiny_image(2, 16);
};

CodeFormerArgs joint_args() {
  return {
      .backbone = tiny_vqgan({1, 1}, 16), .dim_embd = 8, .n_head = 2, .n_layers = 1, .latent_size = 64, .connect_list = {8, 16}};
}

struct Joint {
  ParameterStore store{kDouble}, d_store{kDouble};
  CodeFormer net{store.root(), joint_args()};
  Discriminator d{d_store.root(), {3, 4, 2}};
  Stage3Batch batch{tiny_image(1, 16, 1), tiny_image(1, 16, 2), tiny_image(1, 16, 3), Tensor(Shape{1, 8, 8}, DType::i64)};
  Joint() {
    scatter(store);
    freeze_codebook_and_generator(store);
    for (int64_t i = 0; i < 64; ++i) batch.target.data<int64_t>()[i] = (5 * i + 1) % 8;
  }
};

}  // namespace

TEST_CASE("stage I: gradients equal those of the plain sum of losses") {
  Vq a;
  const Stage1Options options{.image = {.perceptual = kSmooth}, .net_d_start_iter = 10};
  const StepReport report = stage1_generator_step(a.net, &a.d, a.gt, 11, options);
  CHECK(report.gan);
  CHECK(report.loss("l_g_gan") ==
        doctest::Approx(report.loss("d_weight_clamped") * 0.8 * report.loss("g_gan_raw")).epsilon(1e-12));
  for (const NamedVar& p : a.d_store.parameters()) CHECK(!p.var.grad());

  Vq b;  // the same numbers
  const auto out = b.net(b.gt);
  const Var recon = l1_loss(out.image, b.gt) + kSmooth(out.image, b.gt), gan = hinge_g(b.d(out.image));
  const Var last = std::get<Conv2d>(b.net.generator.blocks.back()).weight;
  const auto norm = [&](const Var& loss) {
    double s = 0;
    const Var g = grad(loss, {last}, {}, {.keep_graph = true})[0];  // named: a loop over a temporary's span outlives it
    for (double v : g.value().span<double>()) s += v * v;
    return std::sqrt(s);
  };
  const double d = std::min(1.0, norm(recon) / (norm(gan) + 1e-4));
  CHECK(report.loss("d_weight_clamped") == doctest::Approx(d).epsilon(1e-10));
  backward(recon + gan * (0.8 * d) + out.quantized.loss);
  const auto ga = gradients(a.store), gb = gradients(b.store);
  for (size_t i = 0; i < ga.size(); ++i) {
    REQUIRE(bool(ga[i]) == bool(gb[i]));
    // A bias before a norm of one channel per group has a gradient of zero: rounding on both sides.
    double size = 0;
    for (double v : gb[i].span<double>()) size = std::max(size, std::abs(v));
    if (size > 1e-9) CHECK(relative_difference(ga[i], gb[i]) < 1e-8);
  }
}

TEST_CASE("stage I: before its start the discriminator takes no part") {
  Vq a;
  const StepReport report = stage1_generator_step(a.net, &a.d, a.gt, 10, {.net_d_start_iter = 10});
  CHECK(!report.gan);
  CHECK(!report.has("g_gan_raw"));
  CHECK(!report.has("l_g_percep"));
  CHECK(a.d_store.at("main.3.num_batches_tracked").value().item() == 0);
}

TEST_CASE("micro-batches: the adaptive weight of their mean gradients is that of one batch of them all") {
  // In eval mode the discriminator's BatchNorm looks at no other picture, so that the loss of a batch is the mean of its pictures' losses.
  Vq a;
  a.d_store.eval();
  const Stage1Options options{.image = {.perceptual = kSmooth}, .net_d_start_iter = 10};
  const StepReport whole = stage1_generator_step(a.net, &a.d, a.gt, 11, options);
  const auto gradients_of_whole = gradients(a.store);
  a.store.zero_grad();

  std::vector<AdaptiveGradients> parts;
  for (int64_t i = 0; i < 2; ++i) parts.push_back(stage1_adaptive_gradients(a.net, a.d, a.gt.rows(i, i + 1), options));
  const auto mean = [](const Tensor& x, const Tensor& y) { return ((Var(x) + Var(y)) * 0.5).value(); };
  Stage1Options measured = options;
  measured.image.weight = adaptive_weight({mean(parts[0].recon, parts[1].recon), mean(parts[0].gan, parts[1].gan)});
  CHECK(measured.image.weight->value.item() == doctest::Approx(whole.loss("d_weight_clamped")).epsilon(1e-10));
  CHECK(measured.image.weight->recon_norm.item() == doctest::Approx(whole.loss("recon_grad_norm")).epsilon(1e-10));
  for (int64_t i = 0; i < 2; ++i) stage1_generator_step(a.net, &a.d, a.gt.rows(i, i + 1), 11, measured);
  const auto sums = gradients(a.store);
  for (size_t i = 0; i < sums.size(); ++i) {
    double size = 0;
    for (double v : gradients_of_whole[i].span<double>()) size = std::max(size, std::abs(v));
    if (size > 1e-9) CHECK(relative_difference((Var(sums[i]) * 0.5).value(), gradients_of_whole[i]) < 1e-8);
  }
}

TEST_CASE("discriminator step: two passes, batch statistics moved three times in all, as released") {
  Vq a;
  StepReport report = stage1_generator_step(a.net, &a.d, a.gt, 1, {.net_d_start_iter = 0});
  const auto g_before = gradients(a.store);
  discriminator_step(a.d, a.gt, report.output, GanKind::hinge, report);
  CHECK(a.d_store.at("main.3.num_batches_tracked").value().item() == 3);
  for (const NamedVar& p : a.d_store.parameters()) CHECK(bool(p.var.grad()));
  CHECK(report.loss("l_d_fake") >= 0);
  CHECK(report.loss("out_d_fake") == doctest::Approx(-report.loss("g_gan_raw")));
  const auto g_after = gradients(a.store);
  for (size_t i = 0; i < g_before.size(); ++i) CHECK(std::memcmp(g_before[i].raw(), g_after[i].raw(), g_after[i].bytes()) == 0);
}

TEST_CASE("stage II: feature and token terms") {
  Joint j;
  const StepReport report = stage2_step(j.net, j.batch.in, j.batch.target);
  const CodeFormerOutput out = j.net(j.batch.in, {.code_only = true});
  CHECK(report.loss("cross_entropy_loss") ==
        doctest::Approx(0.5 * cross_entropy(out.logits, j.batch.target.reshape(Shape{1, 64})).item()));
  CHECK(bool(j.store.param("encoder.blocks.0.weight").grad()));
  CHECK(bool(j.store.param("position_emb").grad()));
  CHECK(!j.store.param("quantize.embedding.weight").grad());
  CHECK(!j.store.param("fuse_convs_dict.8.scale.0.weight").grad());
  CHECK_THROWS_WITH_AS(stage2_step(j.net, j.batch.in, Tensor(Shape{3}, DType::i64)),
                       doctest::Contains("target must hold 1 x 64 codes"), Error);
}

TEST_CASE("stage III: the schedule") {
  const Stage3Options o;
  const auto plan = [&](int64_t i) {
    const Stage3Plan p = stage3_plan(i, o);
    return std::pair(p.w, p.large);
  };
  CHECK(plan(1) == std::pair(1.0, false));
  CHECK(plan(40000) == std::pair(1.0, false));
  CHECK(plan(40001) == std::pair(1.3, false));
  CHECK(plan(80001) == std::pair(0.0, true));
  CHECK(plan(120000) == std::pair(0.0, true));
  CHECK(plan(120001) == std::pair(1.3, true));
  CHECK(plan(120015) == std::pair(1.3, false));
}

TEST_CASE("stage III: the image trains the fusion, the tokens the rest; the large branch leaves the fusion alone") {
  Joint j;
  Stage3Options options;
  options.joint.image.perceptual = kSmooth;
  const StepReport report = stage3_generator_step(j.net, &j.d, j.batch, 30000, options);
  CHECK(report.gan);
  CHECK(report.loss("d_weight") == doctest::Approx(0.1 * report.loss("d_weight_clamped")));
  CHECK(report.output.shape() == j.batch.gt.shape());
  for (const NamedVar& p : j.store.trainable()) CHECK(bool(p.var.grad()));

  j.store.zero_grad();
  const StepReport large = stage3_generator_step(j.net, &j.d, j.batch, 100001, options);
  CHECK(!large.gan);
  CHECK(!large.output);
  CHECK(large.losses.size() == 3);  // two losses and the accuracy
  CHECK(!j.net.last_layer(true).grad());
}

TEST_CASE("stage III: w = 0 on the image branch gives the fusion gradients of zero") {
  Joint j;
  const StepReport report = joint_generator_step(j.net, &j.d, j.batch.in, j.batch.gt, j.batch.target, 0);
  CHECK(report.loss("d_weight_clamped") == 0);
  const Tensor g = j.net.last_layer(true).grad();
  REQUIRE(bool(g));
  for (double v : g.span<double>()) CHECK(v == 0);
}

TEST_CASE("stage III: the released schedule's iteration 120000, an image with w = 0 under the discriminator, is a step like any other") {
  Joint j;
  Stage3Options released;
  released.phases[2].small_every = 120000;
  CHECK(stage3_plan(119999, released).large);
  CHECK(stage3_plan(120000, released).w == 0);
  StepReport report = stage3_generator_step(j.net, &j.d, j.batch, 120000, released);
  REQUIRE(report.gan);
  CHECK(report.loss("d_weight_clamped") == 0);
  CHECK(std::isfinite(report.loss("l_g_gan")));
  for (const NamedVar& p : j.store.trainable()) {
    CAPTURE(p.name);
    REQUIRE(bool(p.var.grad()));
    for (double v : p.var.grad().span<double>()) REQUIRE(std::isfinite(v));
  }
  discriminator_step(j.d, j.batch.gt, report.output, GanKind::hinge, report);
  CHECK(std::isfinite(report.loss("l_d_fake")));
}

TEST_CASE("stage III: the adversarial term without its adaptive weight pulls by gan_weight alone") {
  Joint a, b;
  JointOptions off{.tokens = {.feature_weight = 0, .entropy_weight = 0}, .image = {.gan_weight = 0.3, .adapt = false}};
  const StepReport report = joint_generator_step(a.net, &a.d, a.batch.in, a.batch.gt, {}, 1, off);
  CHECK(report.loss("d_weight") == 0.3);
  CHECK(!report.has("d_weight_clamped"));

  const CodeFormerOutput out = b.net(b.batch.in, {.w = 1});
  backward(l1_loss(out.image, b.batch.gt) + hinge_g(b.d(out.image)) * 0.3);
  const Tensor ga = a.net.last_layer(true).grad(), gb = b.net.last_layer(true).grad();
  CHECK(relative_difference(ga, gb) < 1e-10);
}

TEST_CASE("stage III: detach_16 keeps the image from a codebook that is not frozen") {
  for (const bool detached : {true, false}) {
    CAPTURE(detached);
    Joint j;
    j.store.unfreeze("quantize.*");
    joint_generator_step(j.net, nullptr, j.batch.in, j.batch.gt, j.batch.target, 1, {.tokens = {}, .detach_16 = detached});
    CHECK(bool(j.store.param("quantize.embedding.weight").grad()) == !detached);
  }
}

TEST_CASE("stages: the CPU looks at nothing in mid step, so that a step can be recorded, with every loss there is") {
  const Device sim{DeviceKind::sim, 0};
  const StoreOptions there{.initialise = false, .device = sim};
  ParameterStore store(there), joint_store(there), d_store(there), features(there);
  const VQAutoEncoder net(store.root(), tiny_vqgan({1}, 16));
  const CodeFormer joint(joint_store.root(), joint_args());
  const Discriminator d(d_store.root(), {3, 4, 2});
  freeze_codebook_and_generator(joint_store);
  const Tensor image({1, 16, 16, 3}, DType::f32, sim), codes({1, 64}, DType::i64, sim);
  const auto recorded = [&](const GanKind kind, const ImageLoss& perceptual, bool blocks_again) {
    for (ParameterStore* s : {&store, &joint_store}) s->recompute(blocks_again), s->zero_grad();
    d_store.zero_grad();
    const ImageObjectiveOptions options{.perceptual = perceptual, .gan_kind = kind};
    const DeviceGraph graph(sim, [&] {
      StepReport first = stage1_generator_step(net, &d, image, 1, {.image = options, .net_d_start_iter = 0});
      discriminator_step(d, image, first.output, kind, first);
      stage2_step(joint, image, codes);
      joint_generator_step(joint, &d, image, image, codes, 1, {.tokens = {}, .image = options});
    });
    return graph.kernels().size();
  };
  const LpipsLoss lpips(features.root() / "lpips");
  const PerceptualLoss vgg(features.root() / "vgg", {.style_weight = 1, .distance = FeatureDistance::fro});
  const size_t plain = recorded(GanKind::hinge, {}, false);
  CHECK(plain > 1000);
  CHECK(recorded(GanKind::vanilla, lpips.as_image_loss(), true) > plain);
  CHECK(recorded(GanKind::lsgan, vgg.as_image_loss(), false) > plain);
  CHECK(recorded(GanKind::wgan, {}, true) > plain);
  recorded(GanKind::wgan_softplus, {}, false);
}

TEST_CASE("codeformer: its parts freeze by name, together they are all of it") {
  Joint j;
  j.store.unfreeze("*");
  const int64_t all = j.store.trainable_count();
  int64_t frozen = 0;
  for (const std::string& part : kFreezableParts) {
    const int64_t before = j.store.trainable_count();
    freeze_part(j.store, part);
    CHECK_MESSAGE(j.store.trainable_count() < before, part);
    frozen += before - j.store.trainable_count();
  }
  CHECK(frozen == all);
  CHECK(j.store.trainable_count() == 0);
  CHECK_THROWS_WITH_AS(freeze_part(j.store, "decoder"), doctest::Contains("got 'decoder'"), Error);
}

TEST_CASE("perceptual losses: zero at the target, symmetric LPIPS, finite gradient where every feature is off") {
  ParameterStore store({.seed = 3});
  LpipsLoss lpips(store.root() / "lpips");
  PerceptualLoss vgg(store.root() / "percep",
                     {.layer_weights = {{"conv1_2", 1}, {"conv2_1", 0.5}}, .style_weight = 1, .range_norm = true});
  // Heads of distances are not negative.
  for (const Conv2d& head : lpips.lpips.lin) Tensor(head.weight.value()).fill_(0.1);
  const Tensor a = tiny_image(1, 32, 1, DType::f32), b = tiny_image(1, 32, 2, DType::f32);
  CHECK(lpips(a, a).item() == 0);
  CHECK(lpips(a, b).item() == doctest::Approx(lpips(b, a).item()));
  CHECK(lpips(a, b).item() > 0);
  CHECK(vgg(a, a).perceptual.item() == 0);
  CHECK(vgg(a, b).style.item() > 0);

  // Large negative biases switch every feature off.
  for (const NamedVar& p : store.parameters())
    if (p.name.ends_with(".bias")) Tensor(p.var.value()).fill_(-100);
  const Var x(a, true);
  backward(lpips(x, b));
  for (float v : x.grad().span<float>()) CHECK(v == 0);
}
