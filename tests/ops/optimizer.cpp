// The optimisers' kernels. They change their arguments in place, so run() works on copies and returns all of them.
#include "kernels/optimizer.h"

#include "autograd/ops/unary.h"
#include "tensor/context.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

constexpr int64_t kLong = (1 << 15) + 1003;  // more than one block, with a ragged end

Tensor joined(const std::vector<Tensor>& parts) {
  Tensor all({int64_t(parts.size()), parts[0].numel()}, parts[0].dtype(), parts[0].device());
  for (size_t i = 0; i < parts.size(); ++i) all.rows(int64_t(i), int64_t(i) + 1).copy_(parts[i].reshape({1, parts[i].numel()}));
  return all;
}

// ints: step, decoupled, with average.
Var run_adam(const Vars& x, const Sample& s) {
  const Tensor p = x[0].value().clone(), m = x[2].value().clone(), ema = x[4].value().clone();
  Tensor v = x[3].value().clone();
  v = abs(v).value();
  const bool averages = s.ints[2];
  adam_step(context_of(p), {p.raw(), x[1].value().raw(), m.raw(), v.raw(), averages ? ema.raw() : nullptr, p.numel(), s.ints[0], 1e-2, 0.9, 0.99,
                 1e-8, 0.1, s.ints[1] != 0, 0.5, 0.995, p.dtype()});
  return joined({p, m, v, ema});
}

Sample adam_sample(const char* name, int64_t n, std::vector<int64_t> ints) {
  return {name, {{n}, {n}, {n}, {n}, {n}}, {}, {{}, {}, {}, {.mean = 2, .std = 0.2}, {}}, std::move(ints)};
}

const OpCaseRegistration adam_case{{
    .op = "adam_step",
    .families = {"adam_step"},
    .samples = {adam_sample("first", 37, {1, 0, 0}), adam_sample("decoupled, averaged", 5, {7, 1, 1}),
                adam_sample("long", kLong, {100, 0, 1}), adam_sample("none", 0, {1, 0, 0})},
    .run = run_adam,
    .f32_tolerance = 5e-7,  // a dozen roundings of quantities below the largest
    .differentiable = false,
}};

const OpCaseRegistration sgd_case{{
    .op = "sgd_step",
    .families = {"sgd_step"},
    .samples = {{"momentum", {{37}, {37}, {37}}, {}, {}, {1}}, {"plain", {{5}, {5}, {5}}, {}, {}, {0}}, {"long", {{kLong}, {kLong}, {kLong}}, {}, {}, {1}}},
    .run =
        [](const Vars& x, const Sample& s) -> Var {
          const Tensor p = x[0].value().clone(), buffer = x[2].value().clone();
          sgd_step(context_of(p), {p.raw(), x[1].value().raw(), s.ints[0] ? buffer.raw() : nullptr, p.numel(), 0.1, 0.9, 5e-4, 0.5, p.dtype()});
          return joined({p, buffer});
        },
    .f32_tolerance = 3e-7,
    .differentiable = false,
}};

const OpCaseRegistration ema_case{{
    .op = "ema_update",
    .families = {"ema_update"},
    .samples = {{"short", {{37}, {37}}}, {"long, large mean", {{kLong}, {kLong}}, {.mean = 1e3}}},
    .run =
        [](const Vars& x, const Sample&) -> Var {
          const Tensor ema = x[0].value().clone();
          ema_update(context_of(ema), {ema.raw(), x[1].value().raw(), ema.numel(), 0.997, ema.dtype()});
          return ema;
        },
    .f32_tolerance = 2e-7,
    .differentiable = false,
}};

const OpCaseRegistration sum_squares_case{{
    .op = "sum_squares",
    .families = {"sum_squares"},
    .samples = {{"short", {{37}}}, {"long, large mean", {{kLong}}, {.mean = 1e3}}, {"none", {{0}}}},
    .run =
        [](const Vars& x, const Sample&) -> Var {
          const Tensor sum({}, DType::f64, x[0].value().device());
          sum_squares(context_of(sum), {x[0].value().raw(), sum.raw<double>(), x[0].numel(), x[0].dtype()});
          return sum;
        },
    .f32_tolerance = 4e-12,  // 34,000 f64 additions in another order, half a unit in the last place each
    .differentiable = false,
}};

}  // namespace
}  // namespace kintsugi::testing
