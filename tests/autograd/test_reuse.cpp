// Results written over operands that were handed over, and over no others.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>

#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/group_norm.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "tensor/random.h"

using namespace kintsugi;

namespace {

bool bitwise_equal(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

Var random_map(uint64_t seed) { return random_normal({2, 3, 3, 8}, 0, 1, seed, "reuse"); }

// Hands over the last handle of a map and says whether the result lies where the map lay.
template <class F>
bool overwrites(F&& f) {
  Var x = random_map(1);
  const void* at = x.value().raw();
  return f(std::move(x)).value().raw() == at;
}

}  // namespace

TEST_CASE("reuse: without a graph a map handed over is overwritten, with the same numbers") {
  const Var gamma = random_normal({8}, 1, 1, 3, "g"), beta = random_normal({8}, 0, 1, 4, "b"), other = random_map(2), row = random_normal({8}, 0, 1, 5, "r");
  const Var w = random_normal({8, 3, 3, 8}, 0, 1, 7, "w"), bias = random_normal({8}, 0, 1, 9, "bias");
  const Var narrow = random_normal({3, 1, 1, 8}, 0, 1, 10, "narrow");
  const std::function<Var(Var)> ops[] = {
      [&](Var x) { return conv2d(other, w, bias, {.pad = pad_all(1)}, std::move(x)); },
      [&](Var x) { return conv2d(other, random_normal({8, 1, 1, 8}, 0, 1, 12, "w"), bias, {}, std::move(x)); },
      [&](Var x) { return conv2d(std::move(x), narrow); },
      [&](Var x) { return group_norm(std::move(x), gamma, beta, 4, 1e-6, Act::silu); },
      [&](Var x) { return leaky_relu(std::move(x), 0.2); },
      [&](Var x) { return std::move(x) * 0.5; },
      [&](Var x) { return std::move(x) + other; },
      [&](Var x) { return other - std::move(x); },
      [&](Var x) { return std::move(x) * row; },
      [&](Var x) { return row / std::move(x); },
  };
  for (const auto& op : ops) {
    CHECK(!overwrites(op));  // a graph may want x
    const NoGrad off;
    CHECK(overwrites(op));
    const Var kept = random_map(1), y = op(kept);
    CHECK(y.value().raw() != kept.value().raw());
    CHECK(bitwise_equal(kept.value(), random_map(1).value()));
    CHECK(bitwise_equal(op(random_map(1)).value(), y.value()));
  }
}

TEST_CASE("reuse: a Winograd convolution adds itself to its residual; a 1x1 convolution shrinks its input where it lies, part by part") {
  const NoGrad off;
  const Var w = random_normal({32, 3, 3, 32}, 0, 1, 7, "w"), x = random_normal({1, 9, 10, 32}, 0, 1, 8, "x"), held = random_normal(x.shape(), 0, 1, 9, "r");
  Var residual = held.value().clone();
  const void* at = residual.value().raw();
  const Var over = conv2d(x, w, {}, {.pad = pad_all(1)}, std::move(residual)), apart = conv2d(x, w, {}, {.pad = pad_all(1)}, held);
  CHECK(over.value().raw() == at);
  CHECK(bitwise_equal(over.value(), apart.value()));

  const Var many = random_normal({2, 150, 160, 16}, 0, 1, 10, "many"), one = random_normal({12, 1, 1, 16}, 0, 1, 11, "one"), b = random_normal({12}, 0, 1, 12, "b");
  const Var kept = conv2d(many, one, b), shrunk = conv2d(Var(many.value().clone()), one, b);
  CHECK(bitwise_equal(shrunk.value(), kept.value()));
}

TEST_CASE("reuse: memory that somebody else can see stays as it was") {
  const NoGrad off;
  const auto square_of = [](Var x) { return square(std::move(x)); };
  const Tensor held = random_map(1).value();
  CHECK(square_of(held).value().raw() != held.raw());
  const Tensor view = held.rows(1, 2);
  CHECK(square_of(view).value().raw() != view.raw());
  const Var small = random_normal({8}, 0, 1, 6, "s");
  const void* at = small.value().raw();
  const Var sum = Var(small) + random_map(1);  // of another shape than the result
  CHECK(sum.value().raw() != at);
  CHECK(sum.shape() == Shape{2, 3, 3, 8});
}

TEST_CASE("reuse: gradients of a chain of temporaries are those of named values") {
  const Var a(random_map(1).value(), true), b(random_map(2).value(), true);
  const auto chained = grad(sum((a * b + 1.0) * (a - b)), {a, b});
  const Var p = a * b, q = p + 1.0, r = a - b, s = q * r;
  const auto named = grad(sum(s), {a, b});
  for (int i = 0; i < 2; ++i) CHECK(bitwise_equal(chained[i].value(), named[i].value()));
}
