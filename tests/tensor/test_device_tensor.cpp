// Tensors and ops on another device than the CPU, on the emulated one: the same code paths as on a GPU.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/finite_watch.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "optim/optimizer.h"
#include "tensor/random.h"
#include "tensor/safetensors.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;

namespace {
const Device kSim{DeviceKind::sim, 0};
}

TEST_CASE("device tensor: there and back, with views, types and fills") {
  const Tensor here = random_normal({5, 7}, 0, 1, 3, "device tensor");
  const Tensor there = here.to(kSim);
  CHECK(there.device() == kSim);
  CHECK(there.to(kSim).shares_memory_with(there));
  CHECK(here.host().shares_memory_with(here));
  for (int64_t i = 0; i < 35; ++i) CHECK(there.item(i) == here.item(i));
  CHECK(there.rows(2, 4).reshape({14}).item(3) == here.item(17));
  CHECK(there.clone().device() == kSim);
  CHECK(there.to(DType::bf16).device() == kSim);
  CHECK(there.to(DType::f64).item(9) == here.item(9));

  Tensor copy = Tensor::zeros({5, 7}, DType::f32, kSim);
  CHECK(copy.item(34) == 0);
  const auto version = copy.version();
  copy.copy_(here);
  CHECK(copy.version() > version);
  CHECK(copy.item(20) == here.item(20));
  copy.copy_(there.to(DType::f64));
  CHECK(copy.item(21) == here.item(21));
  copy.rows(1, 2).fill_(-0.5);
  CHECK(copy.item(6) == here.item(6));
  CHECK(copy.item(7) == -0.5);
  CHECK(copy.item(14) == here.item(14));
  Tensor onto_cpu({5, 7});
  onto_cpu.copy_(there);
  CHECK(onto_cpu.item(11) == here.item(11));

  // Longer than the block that a fill begins with, and not a multiple of it.
  const Tensor long_one = Tensor::full({100'003}, 3, DType::i64, kSim).host();
  for (int64_t v : long_one.span<int64_t>()) REQUIRE(v == 3);
  CHECK(std::signbit(Tensor::full({2}, -0.0, DType::f32, kSim).item(1)));
}

TEST_CASE("device tensor: the CPU may not touch it, and is told so") {
  const Tensor t({2, 3}, DType::f32, kSim);
  CHECK_THROWS_WITH_AS(t.data<float>(), doctest::Contains("[2,3] f32 lies on sim"), Error);
  CHECK_THROWS_AS(t.span<float>(), Error);
  CHECK(t.raw<float>() == t.raw());
  CHECK_THROWS_WITH_AS(t.raw<double>(), doctest::Contains("asked for f64 elements"), Error);
}

TEST_CASE("device tensor: poison, statistics, out of memory in an op") {
  const auto before = allocator_stats(kSim), cpu = allocator_stats();
  {
    PoisonGuard poison;
    const Tensor t({1000}, DType::f32, kSim);
    CHECK(std::isnan(t.item(999)));
    CHECK(allocator_stats(kSim).live_bytes == before.live_bytes + 4000);
  }
  CHECK(allocator_stats(kSim).live_bytes == before.live_bytes);
  CHECK(allocator_stats().live_bytes == cpu.live_bytes);
  const Var x(Tensor::zeros({1, 1, 1}, DType::f32, kSim));
  CHECK_THROWS_WITH_AS(expand(x, {1 << 20, 1 << 20, 4}), doctest::Contains("out of memory on sim in expand: 17592186044416 bytes"), Error);
}

TEST_CASE("device tensor: operands of an op must share a device") {
  const Var here(Tensor::zeros({2, 3})), there(Tensor::zeros({2, 3}, DType::f32, kSim));
  CHECK_THROWS_WITH_AS(here + there, doctest::Contains("add: a and b must be on one device, got [2,3] f32 cpu and [2,3] f32 sim"), Error);
  CHECK_THROWS_WITH_AS(conv2d(Tensor::zeros({1, 4, 4, 2}, DType::f32, kSim), Tensor::zeros({3, 1, 1, 2}), {}),
                       doctest::Contains("conv2d: x and w must be on one device"), Error);
  CHECK_THROWS_WITH_AS(embedding(there, Tensor::zeros({2}, DType::i64)), doctest::Contains("embedding: table and indices"), Error);
  CHECK_THROWS_WITH_AS(concat({here, there}, 0), doctest::Contains("concat: parts must be on one device"), Error);
}

TEST_CASE("device tensor: a graph, an optimiser and a file of it") {
  const Tensor start = random_normal({3, 4}, 0, 1, 1, "start");
  const auto train = [&](Device device) {
    const Var w(start.clone().to(device), true);
    Ema ema({{"w", w}}, 0.9);
    Adam adam({{"w", w}}, {.weight_decay = 0.1, .decoupled = true});
    double norm = 0;
    for (int step = 0; step < 3; ++step) {
      adam.zero_grad();
      backward(mean(square(w * 3.0 - 1.0)));
      norm = global_grad_norm(adam.parameters());
      adam.step({.lr = 0.1, .grad_scale = clip_factor(norm, 0.5), .ema = &ema});
    }
    CHECK(w.value().device() == device);
    CHECK(ema.averages()[0].second.device() == device);
    CHECK(all_finite(w.value()));
    return std::pair{w.value(), norm};
  };
  const auto [here, norm_here] = train({});
  const auto [there, norm_there] = train(kSim);
  CHECK(norm_there == doctest::Approx(norm_here).epsilon(1e-6));
  for (int64_t i = 0; i < 12; ++i) CHECK(there.item(i) == doctest::Approx(here.item(i)).epsilon(1e-5));

  const Scratch scratch;
  const std::string path = (scratch / "there.safetensors").string();
  write_safetensors(path, {{"w", there}});
  const Tensor read = SafetensorsFile(path).read("w");
  for (int64_t i = 0; i < 12; ++i) CHECK(read.item(i) == there.item(i));
}
