// What CodeFormer promises about its graph, its modes and its refusals.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "autograd/engine.h"
#include "autograd/ops/reduce.h"
#include "nn/checkpoint.h"
#include "tests/harness/scratch.h"
#include "tests/models/tiny.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

const CodeFormerArgs kArgs{
    .backbone = tiny_vqgan(), .dim_embd = 8, .n_head = 2, .n_layers = 1, .latent_size = 64, .connect_list = {8}};

struct Net {
  ParameterStore store{{.seed = 2}};
  CodeFormer net{store.root(), kArgs};
  Tensor x = tiny_image(1, 8, 3, DType::f32);
  Net() { scatter(store); }
};

bool equal(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

bool starts(const std::string& s, const char* with) { return s.starts_with(with); }

}  // namespace

TEST_CASE("codeformer: w = 0 keeps the fusion layers in the graph while training and skips them otherwise") {
  Net n;
  const CodeFormerOutput trained = n.net(n.x, {.w = 0});
  backward(sum(trained.image));
  const Var& shift = n.net.last_layer(true);
  REQUIRE(bool(shift.grad()));
  for (float v : shift.grad().span<float>()) CHECK(v == 0);

  n.store.eval();
  n.store.zero_grad();
  const CodeFormerOutput plain = n.net(n.x, {.w = 0});
  CHECK(equal(plain.image.value(), trained.image.value()));
  backward(sum(plain.image));
  CHECK(!shift.grad());
}

TEST_CASE("codeformer: the image trains fusion and generator only; the codes' gradient depends on detach_16 and adain") {
  Net n;
  const auto touched = [&](const CodeFormerCall& call, const char* prefix) {
    n.store.zero_grad();
    backward(sum(n.net(n.x, call).image));
    for (const NamedVar& p : n.store.parameters())
      if (starts(p.name, prefix) && p.var.grad()) return true;
    return false;
  };
  CHECK(!touched({.w = 1}, "encoder."));
  CHECK(!touched({.w = 1}, "ft_layers."));
  CHECK(!touched({.w = 1}, "quantize."));
  CHECK(touched({.w = 1}, "fuse_convs_dict."));
  CHECK(touched({.w = 1}, "generator."));
  CHECK(touched({.w = 1, .detach_16 = false}, "quantize."));
  CHECK(touched({.w = 1, .adain = true}, "encoder."));
}

TEST_CASE("codeformer: code_only gives the same tokens and no image") {
  Net n;
  const CodeFormerOutput full = n.net(n.x, {.w = 0.5}), codes = n.net(n.x, {.code_only = true});
  CHECK(equal(full.logits.value(), codes.logits.value()));
  CHECK(!codes.image);
  CHECK(full.indices.shape() == Shape{1, 64});
  CHECK(full.image.shape() == n.x.shape());
}

TEST_CASE("codeformer: the code grid comes from the input") {
  Net n;
  const Tensor wide = random_uniform({1, 4, 16, 3}, -1, 1, 3, "image");
  CHECK(n.net(wide, {.w = 1}).image.shape() == wide.shape());
  CHECK_THROWS_WITH_AS(n.net(tiny_image(1, 16, 3, DType::f32)), doctest::Contains("must give 64 latent positions, got 16 x 16"),
                       Error);
}

TEST_CASE("codeformer: taps and sites can be chosen") {
  Net n;
  ParameterStore store({.seed = 2});
  CodeFormerArgs args = kArgs;
  args.sites = {{8, 1}};
  const CodeFormer other(store.root(), args);
  scatter(store);
  CHECK(equal(n.net(n.x, {.w = 1}).logits.value(), other(n.x, {.w = 1}).logits.value()));
  CHECK(!equal(n.net(n.x, {.w = 1}).image.value(), other(n.x, {.w = 1}).image.value()));
  ParameterStore third;
  args.taps = {{8, 99}};
  CHECK_THROWS_WITH_AS(CodeFormer(third.root(), args), doctest::Contains("taps of 8 must be a block number below"), Error);
}

TEST_CASE("codeformer: a checkpoint restores the same image; a VQGAN's file is refused") {
  Scratch scratch;
  Net n;
  const std::string path = scratch / "net.safetensors";
  save_checkpoint(path, {kCodeFormerKind, to_json(n.net.args)}, {{"", &n.store}});

  const SafetensorsFile file(path);
  const CodeFormerArgs args = codeformer_args_from_json(checkpoint_info(file, kCodeFormerKind).arguments);
  ParameterStore store({.initialise = false});
  const CodeFormer net(store.root(), args);
  load_parameters(file, store);
  CHECK(equal(net(n.x, {.w = 0.5, .adain = true}).image.value(), n.net(n.x, {.w = 0.5, .adain = true}).image.value()));
  CHECK_THROWS_WITH_AS(checkpoint_info(file, kVqganKind), doctest::Contains("holds a codeformer, expected a vqgan"), Error);
}

TEST_CASE("codeformer: a stage I network fills the backbone and nothing else") {
  Scratch scratch;
  ParameterStore vq({.seed = 8});
  const VQAutoEncoder first(vq.root(), kArgs.backbone);
  const std::string path = scratch / "vqgan.safetensors";
  save_checkpoint(path, {kVqganKind, to_json(first.args)}, {{"", &vq}});

  Net n;
  const Tensor feat = n.store.param("feat_emb.weight").value().clone();
  const SafetensorsFile file(path);
  CHECK_THROWS_AS(load_parameters(file, n.store), Error);
  load_parameters(file, n.store, "", kBackboneParts);
  CHECK(equal(n.store.param("generator.blocks.0.weight").value(), vq.param("generator.blocks.0.weight").value()));
  CHECK(equal(n.store.param("feat_emb.weight").value(), feat));
}

TEST_CASE("codeformer: codes found once give the pictures of every w") {
  Net n;
  n.store.eval();
  const CodeFormerCodes codes = n.net.encode(n.x, {.w = 1, .adain = true});
  for (double w : {0.0, 0.5, 1.0}) {
    CAPTURE(w);
    CHECK(equal(n.net.decode(codes, w).value(), n.net(n.x, {.w = w, .adain = true}).image.value()));
  }
  CHECK(!equal(n.net.decode(codes, 0).value(), n.net.decode(codes, 1).value()));
  const CodeFormerCodes without = n.net.encode(n.x, {.w = 0});
  CHECK_THROWS_WITH_AS(n.net.decode(without, 0.5), doctest::Contains("w = 0.5 needs 1 encoder features, got 0"), Error);
}

TEST_CASE("codeformer: with weights that pass through from a file the image has the same bits, and they do not stay in memory") {
  Net n;
  n.store.eval();
  const NoGrad off;
  const CodeFormerCall call{.w = 0.7, .adain = true};
  const Tensor want = n.net(n.x, call).image.value();
  Scratch scratch;
  const std::string path = scratch / "net.safetensors";
  save_checkpoint(path, {kCodeFormerKind, to_json(kArgs)}, {{"", &n.store}});

  ParameterStore store({.initialise = false});
  const CodeFormer net(store.root(), kArgs);
  const SafetensorsFile file(path);
  load_parameters(source_of(file), store, {}, {"*"}, Reading::mapped);
  store.eval();
  CHECK(equal(net(n.x, call).image.value(), want));
  const size_t held = allocator_stats().live_bytes;
  store.passing();
  CHECK(equal(net(n.x, call).image.value(), want));
  CHECK(allocator_stats().live_bytes < held);
  CHECK(equal(net(n.x, call).image.value(), want));
}
