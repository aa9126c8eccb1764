#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/pattern.h"
#include "nn/scope.h"

using namespace kintsugi;

TEST_CASE("scope: names, order, counts and refusals") {
  ParameterStore store;
  const Scope s = store.root() / "encoder" / "blocks" / 3;
  s.param("weight", {4, 3, 3, 2}, Init::kaiming_uniform(18), Layout::conv);
  s.param("bias", {4}, Init::zeros());
  (s / "norm").buffer("running_var", {4}, 1);
  REQUIRE(store.entries().size() == 3);
  CHECK(store.entries()[0].name == "encoder.blocks.3.weight");
  CHECK(store.entries()[2].name == "encoder.blocks.3.norm.running_var");
  CHECK(store.parameter_count() == 76);
  CHECK(store.state_count() == 80);
  CHECK_THROWS_WITH_AS(s.param("bias", {4}, Init::zeros()), "parameter_store: the name encoder.blocks.3.bias is taken", Error);
  CHECK_THROWS_AS(store.param("encoder.blocks.3.norm.running_var"), Error);
  CHECK_THROWS_AS(store.at("nothing"), Error);
}

TEST_CASE("scope: patterns") {
  CHECK(matches_pattern("quantize.embedding.weight", "quantize.*"));
  CHECK(matches_pattern("a.b.c", "*b*"));
  CHECK(matches_pattern("a.b.b.c", "a*.b.c"));
  CHECK(!matches_pattern("a.quantize.x", "quantize.*"));
  CHECK(!matches_pattern("abc", "ab"));
  CHECK(matches_pattern("", "*"));
}

TEST_CASE("scope: freezing") {
  ParameterStore store;
  const Var a = (store.root() / "quantize").param("weight", {5}, Init::ones());
  const Var b = (store.root() / "encoder").param("weight", {7}, Init::ones());
  CHECK(store.freeze("quantize.*") == 1);
  CHECK(!a.needs_grad());
  CHECK(b.needs_grad());
  CHECK(store.trainable_count() == 7);
  CHECK(store.trainable().size() == 1);
  CHECK(store.parameters().size() == 2);
  CHECK_THROWS_AS(store.freeze("quantise.*"), Error);
  CHECK(store.unfreeze("*") == 2);
  CHECK(a.needs_grad());
}

TEST_CASE("scope: initial values depend on seed and name only, in both dtypes") {
  const auto make = [](uint64_t seed, bool another_first, DType dtype) {
    auto store = std::make_unique<ParameterStore>(StoreOptions{dtype, seed});
    if (another_first) store->root().param("other", {100}, Init::normal(0, 1));
    store->root().param("w", {50, 20}, Init::kaiming_uniform(20));
    return store;
  };
  const auto a = make(1, false, DType::f32), b = make(1, true, DType::f32), c = make(2, false, DType::f32),
             d = make(1, false, DType::f64);
  const auto at = [](const auto& s, int64_t i) { return s->param("w").value().item(i); };
  double largest = 0, sum = 0;
  bool differs = false;
  for (int64_t i = 0; i < 1000; ++i) {
    CHECK(at(a, i) == at(b, i));
    CHECK(at(a, i) == doctest::Approx(at(d, i)).epsilon(1e-6));
    differs |= at(a, i) != at(c, i);
    largest = std::max(largest, std::abs(at(a, i)));
    sum += at(a, i);
  }
  const double bound = 1 / std::sqrt(20.0);
  CHECK(differs);
  CHECK(largest <= bound);
  CHECK(largest > 0.98 * bound);
  // The mean of 1000 uniforms has standard deviation bound / sqrt(3000): five of those.
  CHECK(std::abs(sum / 1000) < 5 * bound / std::sqrt(3000.0));
}

TEST_CASE("scope: the state hash sees values, names and buffers") {
  const auto hash = [](const char* name, double value, double buffer) {
    ParameterStore s;
    s.root().param(name, {3}, Init::constant(value));
    s.root().buffer("b", {2}, buffer);
    return s.state_hash();
  };
  CHECK(hash("w", 1, 0) == hash("w", 1, 0));
  CHECK(hash("w", 1, 0) != hash("v", 1, 0));
  CHECK(hash("w", 1, 0) != hash("w", 2, 0));
  CHECK(hash("w", 1, 0) != hash("w", 1, 3));
}
