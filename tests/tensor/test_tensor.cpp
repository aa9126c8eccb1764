#include <doctest/doctest.h>

#include <cmath>

#include "tensor/random.h"
#include "tensor/tensor.h"

using namespace kintsugi;

TEST_CASE("tensor: views share memory, clones do not") {
  Tensor t = Tensor::of<float>({3, 2}, {0, 1, 2, 3, 4, 5});
  Tensor middle = t.rows(1, 2).reshape({2});
  CHECK(middle.item(1) == 3);
  const Tensor copy = t.clone();
  middle.fill_(9);
  CHECK(t.item(2) == 9);
  CHECK(copy.item(2) == 2);
  CHECK(t.shares_memory_with(middle));
  CHECK_THROWS_WITH_AS(t.rows(2, 4), doctest::Contains("[2,4) is not within dim 0 of [3,2]"), Error);
  CHECK_THROWS_WITH_AS(t.reshape({4}), doctest::Contains("[3,2] has 6 elements, [4] has 4"), Error);
  CHECK_THROWS_WITH_AS(t.data<double>(), doctest::Contains("asked for f64 elements of a f32 tensor"), Error);
}

TEST_CASE("tensor: in-place changes raise the version") {
  Tensor t = Tensor::zeros({2});
  const auto v = t.version();
  t.fill_(1);
  CHECK(t.version() > v);
}

TEST_CASE("tensor: conversions") {
  const Tensor d = Tensor::of<double>({3}, {1.5, -2.25, 1e-3});
  CHECK(d.to(DType::f32).item(1) == -2.25);
  CHECK(d.to(DType::bf16).to(DType::f64).item(0) == 1.5);
  CHECK(d.to(DType::i64).item(1) == -2);
}

TEST_CASE("allocator: statistics and poison") {
  const auto before = allocator_stats();
  {
    const Tensor t({1000});
    CHECK(allocator_stats().live_bytes >= before.live_bytes + 4000);
    PoisonGuard poison;
    const Tensor p({7}, DType::f64);
    for (int i = 0; i < 7; ++i) CHECK(std::isnan(p.item(i)));
  }
  CHECK(allocator_stats().live_bytes == before.live_bytes);
}

TEST_CASE("random: a function of seed, purpose, step and element") {
  const Tensor a = random_normal({100}, 0, 1, 5, "x"), longer = random_normal({200}, 0, 1, 5, "x");
  for (int i = 0; i < 100; ++i) CHECK(a.item(i) == longer.item(i));
  CHECK(random_normal({1}, 0, 1, 5, "y").item() != a.item());
  CHECK(random_normal({1}, 0, 1, 5, "x", 1).item() != a.item());
  const Tensor u = random_uniform({1000}, -2, 3, 5, "u");
  for (float v : u.span<float>()) CHECK((v >= -2 && v < 3));
}
