// The few numbers of a training step, in f64 throughout: what rounds is a root, a quotient and, where the result is f32, that.
#include "kernels/step_numbers.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tensor/context.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

constexpr double kRoundings = 1e-14;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// As f64 where x lies.
Tensor wide(const Var& x) { return x.value().host().to(DType::f64).to(x.value().device()); }
Tensor squares_of(const Var& x) {
  const Tensor t = wide(x).host().clone();
  for (double& v : t.span<double>()) v *= v;
  return t.to(x.value().device());
}

Var run_gather(const Vars& x, const Sample&) {
  const Device device = x[0].value().device();
  const Tensor out({int64_t(x.size())}, DType::f64, device);
  GatherNumbers a{};
  const Tensor other = wide(x[0]);  // numbers of two types side by side
  for (const Var& v : x) a.from[a.count] = v.value().raw(), a.types[a.count++] = v.dtype();
  a.from[0] = other.raw(), a.types[0] = DType::f64, a.out = out.raw<double>();
  gather_numbers(context_of(out), a);
  return out;
}

Var run_equal(const Vars& x, const Sample&) {
  const auto signs = [](const Var& v) {
    const Tensor here = v.value().host(), out(here.shape(), DType::i64);
    for (int64_t i = 0; i < here.numel(); ++i) out.data<int64_t>()[i] = here.item(i) > 0;
    return out.to(v.value().device());
  };
  const Tensor a = signs(x[0]), b = signs(x[1]), out({}, DType::f64, a.device());
  equal_share(context_of(a), {a.raw<int64_t>(), b.raw<int64_t>(), a.numel(), out.raw<double>()});
  return out;
}

Var run_weight(const Vars& x, const Sample& s) {
  const Tensor squares = squares_of(x[0]), out({4}, DType::f64, squares.device()), factor({}, x[0].dtype(), squares.device());
  adaptive_weight_of(context_of(squares), {squares.raw<double>(), 1e-4, double(s.ints[0]) / 10, out.raw<double>(), factor.raw(), factor.dtype()});
  Tensor all({5}, DType::f64);
  all.rows(0, 4).copy_(out);
  all.rows(4, 5).copy_(factor.reshape({1}));
  return all.to(squares.device());
}

// ints: tenths of the clipping norm.
Var run_judge(const Vars& x, const Sample& s) {
  const Tensor squares = squares_of(x[0]), losses = wide(x[1]), out({3}, DType::f64, squares.device());
  judge_step(context_of(squares), {squares.raw<double>(), squares.numel(), losses.raw<double>(), losses.numel(), 0.25, double(s.ints[0]) / 10, nullptr,
                                   reinterpret_cast<StepVerdict*>(out.raw<double>())});
  return out;
}

const OpCaseRegistration cases[] = {
    OpCaseRegistration({.op = "gather_numbers", .families = {"gather_numbers"},
                        .samples = {{"three", {{}, {}, {}}}, {"as many as there may be", std::vector<Shape>(GatherNumbers::kMost, Shape{})}},
                        .run = run_gather, .f32_tolerance = kRoundings, .differentiable = false}),
    OpCaseRegistration({.op = "equal_share", .families = {"equal_share"},
                        .samples = {{"few", {{37}, {37}}}, {"several pieces", {{40000}, {40000}}}},
                        .run = run_equal, .f32_tolerance = kRoundings, .differentiable = false}),
    OpCaseRegistration({.op = "adaptive_weight_of", .families = {"adaptive_weight_of"},
                        .samples = {{"free", {{2}}, {}, {}, {1000}}, {"at its bound", {{2}}, {}, {}, {1}}},
                        .run = run_weight, .f32_tolerance = 6e-8, .differentiable = false}),
    OpCaseRegistration({.op = "judge_step", .families = {"judge_step"},
                        .samples = {{"not clipped", {{37}, {3}}, {}, {}, {0}}, {"clipped", {{700}, {3}}, {}, {}, {2}},
                                    {"no losses", {{5}, {0}}, {}, {}, {10000}}},
                        .run = run_judge, .f32_tolerance = kRoundings, .differentiable = false}),
};

StepVerdict judged(Device device, std::vector<double> squares, std::vector<double> losses, double clip, const StepVerdict* before = nullptr) {
  const Tensor s = Tensor::of({int64_t(squares.size())}, squares).to(device), l = Tensor::of({int64_t(losses.size())}, losses).to(device);
  const Tensor out({3}, DType::f64, device);
  Tensor earlier;
  if (before) earlier = Tensor::of<double>({3}, {before->norm, before->grad_scale, before->finite}).to(device);
  judge_step(context_of(out), {s.raw<double>(), s.numel(), l.raw<double>(), l.numel(), 0.5, clip,
                               before ? reinterpret_cast<const StepVerdict*>(earlier.raw<double>()) : nullptr,
                               reinterpret_cast<StepVerdict*>(out.raw<double>())});
  return {out.item(0), out.item(1), out.item(2)};
}

}  // namespace

TEST_CASE("judge_step: the clipping factor, and what is not finite anywhere") {
  for (const Device device : {Device{}, Device{DeviceKind::sim, 0}}) {
    const StepVerdict plain = judged(device, {9, 7}, {1}, 0), clipped = judged(device, {9, 7}, {1}, 1), short_enough = judged(device, {9, 7}, {1}, 3);
    CHECK(plain.norm == 2);
    CHECK(plain.grad_scale == 0.5);
    CHECK(plain.finite == 1);
    CHECK(clipped.grad_scale == 0.5 * (1 / (2 + 1e-6)));
    CHECK(short_enough.grad_scale == 0.5);
    for (const double bad : {kInfinity, -kInfinity, std::nan("")}) {
      CHECK(judged(device, {9, std::abs(bad)}, {1}, 1).finite == 0);
      CHECK(judged(device, {9, 7}, {1, bad, 2}, 1).finite == 0);
    }
    const StepVerdict bad{1, 1, 0};
    CHECK(judged(device, {9, 7}, {1}, 0, &plain).finite == 1);
    CHECK(judged(device, {9, 7}, {1}, 0, &bad).finite == 0);
  }
}

}  // namespace kintsugi::testing
