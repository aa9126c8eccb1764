// Arithmetic in bf16 beside f32 masters, on the emulated GPU. The bound: an operation rounds its result to bf16, by at most u = 2^-8 of it, and passes on
// what its operands were off by; the networks here are norms, activations and products of normalised maps, which pass on about as much as
// they get. So a result D operations deep is off by about D u at most, and a gradient, which passes through the same operations again, by 2 D u.
// D is counted on the graph itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "models/codeformer/stages.h"
#include "models/losses/image_objective.h"
#include "nn/compute.h"
#include "optim/optimizer.h"
#include "tests/models/tiny.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

const Device kSim{DeviceKind::sim, 0};
constexpr double kUnit = 0x1p-8;

CodeFormerArgs arguments() {
  CodeFormerArgs a{.dim_embd = 16, .n_head = 2, .n_layers = 1, .latent_size = 16, .connect_list = {8}};
  a.backbone = tiny_vqgan({1, 2}, 8);
  a.backbone.attn_resolutions = {4};
  return a;
}

// The longest chain of operations that made y.
int depth(const Var& y) {
  std::map<const Node*, int> known;
  const std::function<int(const Node*)> of = [&](const Node* n) {
    if (const auto found = known.find(n); found != known.end()) return found->second;
    int d = 0;
    for (const Edge& e : n->inputs)
      if (e.node) d = std::max(d, of(e.node.get()));
    return known[n] = d + 1;
  };
  return y.state()->node ? of(y.state()->node.get()) : 0;
}

double norm_of_difference(const Tensor& a, const Tensor& b) {
  const Tensor x = a.host(), y = b.host();
  double sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i) sum += (x.item(i) - y.item(i)) * (x.item(i) - y.item(i));
  return std::sqrt(sum);
}
double norm(const Tensor& a) { return norm_of_difference(a, Tensor::zeros(a.shape(), a.dtype())); }

// A store on sim with scattered weights, the same in both types of arithmetic.
struct Nets {
  ParameterStore store;
  CodeFormer net;
  explicit Nets(bool bf16) : store({.seed = 5, .device = kSim, .bf16_compute = bf16}), net(store.root(), arguments()) {
    for (const NamedVar& p : store.parameters()) {
      Tensor t = p.var.value().host().clone();
      const Tensor noise = random_normal(t.shape(), 0, 0.1, 9, p.name);
      for (int64_t i = 0; i < t.numel(); ++i) t.data<float>()[i] += noise.data<float>()[i];
      p.var.set_value(t.to(kSim));
    }
  }
};

Tensor image() { return tiny_image(2, 8, 3, DType::f32).to(kSim); }
Tensor target() {
  Tensor t({2, 16}, DType::i64);
  for (int64_t i = 0; i < 32; ++i) t.data<int64_t>()[i] = (5 * i + 1) % 8;
  return t.to(kSim);
}

// All parameters' gradients as one vector: |a - b| / |b|.
double gradient_error(const ParameterStore& a, const ParameterStore& b) {
  double difference = 0, size = 0;
  for (const NamedVar& p : b.trainable()) {
    if (!p.var.grad()) continue;
    const Tensor& g = a.param(p.name).grad();
    REQUIRE_MESSAGE(bool(g), p.name);
    CHECK_MESSAGE(g.dtype() == DType::f32, p.name);
    CHECK(g.device() == kSim);
    difference += std::pow(norm_of_difference(g, p.var.grad()), 2), size += std::pow(norm(p.var.grad()), 2);
  }
  return std::sqrt(difference / size);
}

}  // namespace

TEST_CASE("bf16 compute: a step of code prediction stays within its bound of f32, and gradients reach the f32 masters") {
  Nets single(false), half(true);
  const auto step = [&](Nets& n) { return stage2_step(n.net, image(), target(), {}).loss("cross_entropy_loss"); };
  const CodeFormerOutput out = half.net(image(), {.code_only = true});
  CHECK(out.logits.dtype() == DType::f32);
  CHECK(out.lq_feat.dtype() == DType::f32);
  const int d = depth(out.logits);
  CHECK(d > 20);
  const Tensor exact = single.net(image(), {.code_only = true}).logits.value();
  const double error = norm_of_difference(out.logits.value(), exact) / norm(exact);
  CHECK(error < d * kUnit);
  CHECK(error > kUnit / 100);  // it did compute in bf16
  const double loss = step(half), want = step(single);
  CHECK(std::fabs(loss - want) < d * kUnit * want);
  const double off = gradient_error(half.store, single.store);
  MESSAGE("code prediction: ", d, " operations deep, logits off by ", error, ", gradients by ", off, ", bounds ", d * kUnit, " and ", 2 * d * kUnit);
  CHECK(off < 2 * d * kUnit);
  CHECK(off > kUnit / 100);

  // A step of the optimiser moves the masters by less than bf16 could hold, and the copies follow.
  const Var& w = half.store.param("feat_emb.weight");
  const Tensor before = w.value().host().clone();
  const Var copy = cast_parameter(w, DType::bf16);
  Adam adam(half.store.trainable());
  adam.step({.lr = 1e-5});
  CHECK(w.value().dtype() == DType::f32);
  const double moved = norm_of_difference(w.value(), before) / norm(before);
  CHECK(moved > 0);
  CHECK(moved < kUnit);
  CHECK(!cast_parameter(w, DType::bf16).value().shares_memory_with(copy.value()));
}

TEST_CASE("bf16 compute: the generator with its fusions, forward and backward") {
  Nets single(false), half(true);
  const auto paint = [&](Nets& n) {
    CodeFormerCodes codes = n.net.encode(image(), {.w = 0.7});
    Tensor latent({2, 4, 4, 4});  // not the nearest codes: rounding may turn one into another
    for (int64_t i = 0; i < latent.numel(); ++i) latent.data<float>()[i] = float(std::sin(double(i)));
    codes.codes = Var(latent.to(kSim));
    return n.net.decode(std::move(codes), 0.7);
  };
  const Var a = paint(half), b = paint(single);
  CHECK(a.dtype() == DType::f32);
  const int d = depth(a) + depth(single.net(image(), {.code_only = true}).lq_feat);  // the fusions read the encoder, cut from the graph
  const double error = norm_of_difference(a.value(), b.value()) / norm(b.value());
  backward(mse_loss(a, image())), backward(mse_loss(b, image()));
  const double off = gradient_error(half.store, single.store);
  MESSAGE("painting: ", d, " operations deep, image off by ", error, ", gradients by ", off, ", bounds ", d * kUnit, " and ", 2 * d * kUnit);
  CHECK(error < d * kUnit);
  CHECK(error > kUnit / 100);
  CHECK(off < 2 * d * kUnit);
}

TEST_CASE("bf16 compute: discriminator and its running statistics, in training and evaluation") {
  const auto scores = [&](bool bf16, bool training) {
    ParameterStore store({.seed = 6, .device = kSim, .bf16_compute = bf16});
    const Discriminator net(store.root(), {.ndf = 8, .n_layers = 1});
    store.train(training);
    const Var y = net(tiny_image(2, 16, 4, DType::f32).to(kSim));
    CHECK(y.dtype() == DType::f32);
    const int d = depth(y);
    backward(hinge_d_fake(y));
    CHECK(store.param("main.0.weight").grad().dtype() == DType::f32);
    return std::tuple{y.value().host(), store.at("main.3.running_var").value().host(), d};
  };
  for (bool training : {true, false}) {
    const auto [half, half_var, d] = scores(true, training);
    const auto [single, single_var, unused] = scores(false, training);
    CHECK(half_var.dtype() == DType::f32);
    CHECK(norm_of_difference(half, single) < d * kUnit * norm(single));
    CHECK(norm_of_difference(half, single) > 0);
    CHECK(norm_of_difference(half_var, single_var) < d * kUnit * norm(single_var));
  }
}

TEST_CASE("bf16 compute: refused where there are no kernels for it, and switched on and off") {
  CHECK_THROWS_WITH_AS(ParameterStore({.bf16_compute = true}), doctest::Contains("bf16 arithmetic needs f32 parameters on cuda or sim, got f32 on cpu"), Error);
  CHECK_THROWS_WITH_AS(ParameterStore({.dtype = DType::f64, .device = kSim, .bf16_compute = true}), doctest::Contains("got f64 on sim"), Error);
  Nets n(false);
  const Tensor before = n.net(image(), {.code_only = true}).logits.value().host();
  n.store.compute_in_bf16();
  const Tensor during = n.net(image(), {.code_only = true}).logits.value().host();
  n.store.compute_in_bf16(false);
  const Tensor after = n.net(image(), {.code_only = true}).logits.value().host();
  CHECK(std::memcmp(before.raw(), during.raw(), before.bytes()) != 0);
  CHECK(std::memcmp(before.raw(), after.raw(), before.bytes()) == 0);
}
