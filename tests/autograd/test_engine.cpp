// The engine's rules, on ops small enough to see through.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/accumulate.h"
#include "autograd/engine.h"
#include "autograd/finite_watch.h"
#include "autograd/gradcheck.h"
#include "autograd/replay.h"

using namespace kintsugi;

namespace {

Tensor product(const Tensor& a, const Tensor& b) {
  Tensor y(a.shape(), a.dtype());
  for (int64_t i = 0; i < a.numel(); ++i) y.data<double>()[i] = a.data<double>()[i] * b.data<double>()[i];
  return y;
}

Var times(const Var& a, const Var& b) {
  const Saved sa("times", a), sb("times", b);
  return record("times", {a, b}, product(a.value(), b.value()),
                [sa, sb](const Var& g, const Wants&) { return Vars{times(g, sb.var()), times(g, sa.var())}; });
}

Var leaf(std::vector<double> v) {
  const int64_t n = int64_t(v.size());
  return Var(Tensor::of(Shape{n}, v), true);
}

Var ones(const Var& y) { return Tensor::full(y.shape(), 1, DType::f64); }

}  // namespace

TEST_CASE("engine: a gradient arrives over every path") {
  const Var x = leaf({2, -3});
  const Var y = accumulate(times(x, x), times(x, times(x, x)));  // x^2 + x^3
  backward(y, ones(y));
  CHECK(x.grad().item(0) == doctest::Approx(2 * 2 + 3 * 4));
  CHECK(x.grad().item(1) == doctest::Approx(2 * -3 + 3 * 9));
}

TEST_CASE("engine: gradients of gradients") {
  const Var x = leaf({1.5});
  const Var y = times(x, times(x, x));
  const Var d1 = grad(y, {x}, {}, {.create_graph = true})[0];
  const Var d2 = grad(d1, {x}, {}, {.create_graph = true})[0];
  const Var d3 = grad(d2, {x})[0];
  CHECK(d1.item() == doctest::Approx(3 * 1.5 * 1.5));
  CHECK(d2.item() == doctest::Approx(6 * 1.5));
  CHECK(d3.item() == doctest::Approx(6));
}

TEST_CASE("engine: gradient of a result, and of something y does not depend on") {
  const Var x = leaf({2}), other = leaf({1});
  const Var h = times(x, x), y = times(h, h);
  const Vars g = grad(y, {h, other});
  CHECK(g[0].item() == doctest::Approx(2 * 4));
  CHECK(!g[1]);
}

TEST_CASE("engine: a second walk needs keep_graph") {
  const Var x = leaf({2});
  const Var y = times(x, x);
  grad(y, {x}, {}, {.keep_graph = true});
  grad(y, {x});
  CHECK_THROWS_WITH_AS(grad(y, {x}), doctest::Contains("times: this part of the graph was released"), Error);
}

TEST_CASE("engine: an input changed in place is noticed") {
  const Var x = leaf({2});
  const Var y = times(x, x);
  Tensor t = x.value();
  t.fill_(3);
  CHECK_THROWS_WITH_AS(grad(y, {x}), doctest::Contains("times: a tensor saved for backward was changed in place"), Error);
}

TEST_CASE("engine: a chain of 300,000 nodes neither recurses when walked nor when dropped") {
  const Var x = leaf({1});
  {
    Var y = x;
    for (int i = 0; i < 300000; ++i) y = accumulate(y, x);
    CHECK(grad(y, {x}, {}, {.keep_graph = true})[0].item() == 300001);
  }
  Var y = x;
  for (int i = 0; i < 300000; ++i) y = times(y, x);
}

TEST_CASE("engine: hooks see the whole gradient once") {
  const Var x = leaf({3});
  int calls = 0;
  x.on_grad([&](const Tensor& g) {
    ++calls;
    CHECK(g.item() == doctest::Approx(6));
    return Tensor::full({1}, 10, DType::f64);
  });
  grad(times(x, x), {x}, ones(x));
  CHECK(calls == 0);
  backward(times(x, x), ones(x));
  CHECK(calls == 1);
  CHECK(x.grad().item() == 10);
  // The pass within recompute's backward is a grad() too.
  x.zero_grad();
  const auto f = [](const Vars& v) { return times(v[0], v[0]); };
  backward(recompute(f, {x}, {}), ones(x));
  CHECK(calls == 2);
  CHECK(x.grad().item() == 10);
}

TEST_CASE("engine: gradients add up until they are zeroed") {
  const Var x = leaf({3});
  for (int i = 0; i < 2; ++i) backward(times(x, x), ones(x));
  CHECK(x.grad().item() == 12);
  x.zero_grad();
  CHECK(!x.grad());
}

TEST_CASE("engine: no graph without grad mode, and none through detach") {
  const Var x = leaf({3});
  {
    NoGrad off;
    CHECK(!times(x, x).needs_grad());
  }
  CHECK(!x.detach().needs_grad());
  CHECK(grad(times(x, x.detach()), {x})[0].item() == 3);
}

TEST_CASE("engine: recompute gives the gradients of the plain form") {
  const Var x = leaf({1.2, -0.7}), p = leaf({0.3, 2});
  auto f = [&](const Vars& v) { return times(times(v[0], p), times(v[0], v[0])); };
  const Var plain = f({x}), again = recompute(f, {x}, {p});
  const Vars a = grad(plain, {x, p}, ones(plain)), b = grad(again, {x, p}, ones(again));
  for (int v = 0; v < 2; ++v)
    for (int i = 0; i < 2; ++i) CHECK(a[v].value().item(i) == b[v].value().item(i));
}

TEST_CASE("gradcheck accepts a right gradient, a stop-gradient included, and refuses a wrong one") {
  const Var x = leaf({0.4, -1.1, 2.0});
  auto right = [&] { return times(times(x, x), x.detach()); };
  CHECK(worst_error(gradcheck(right, {{"x", x}})) < 1e-9);
  CHECK(worst_error(gradgradcheck(right, {{"x", x}})) < 1e-9);
  auto wrong = [&] {
    return record("wrong", {x}, product(x.value(), x.value()), [](const Var& g, const Wants&) { return Vars{g}; });
  };
  CHECK(worst_error(gradcheck(wrong, {{"x", x}})) > 0.1);
}

TEST_CASE("finite watch names the op and layer of the first NaN") {
  const std::string layer = "blocks.3";
  const Var x = leaf({1e200});
  FiniteWatch watch;
  times(x, x.detach());
  CHECK(watch.found());  // 1e400
  CHECK(watch.first() == "result of times, [1] f64 cpu");
  FiniteWatch inner;
  const LayerScope here(layer);
  const Var small = leaf({1e-200});
  const Var y = times(small, leaf({1e-200}));
  CHECK(!inner.found());
  grad(y, {small}, Tensor::full({1}, INFINITY, DType::f64));
  CHECK(inner.first() == "gradient of times in blocks.3, [1] f64 cpu");
}
