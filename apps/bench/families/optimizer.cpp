// Optimiser steps over one large weight (512 x 3 x 3 x 512) and over 16 million parameters.
#include "kernels/optimizer.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

constexpr int64_t kWeight = 512 * 3 * 3 * 512, kMany = 1 << 24, kEmulated = 1 << 15;

// Reads p, g, m, v (ema) and writes p, m, v (ema).
Cost adam_cost(const AdamStep& a) { return {(a.ema ? 18.0 : 15.0) * double(a.n), bytes_of(a.dtype, (a.ema ? 9.0 : 7.0) * double(a.n))}; }
Cost sgd_cost(const SgdStep& a) { return {6.0 * double(a.n), bytes_of(a.dtype, 5.0 * double(a.n))}; }
Cost ema_cost(const EmaUpdate& a) { return {3.0 * double(a.n), bytes_of(a.dtype, 3.0 * double(a.n))}; }
Cost squares_cost(const SumSquares& a) { return {2.0 * double(a.n), bytes_of(a.dtype, double(a.n))}; }

auto adam(int64_t n, bool ema) {
  return [=](Arrays& x) {
    AdamStep a{};
    a.p = x.updated(n), a.g = x.normal(n), a.m = x.updated(n, 0, 0.1);
    a.v = x.uniform(n, 0.5, 1.5);
    a.ema = ema ? x.updated(n) : nullptr;
    a.n = n, a.step = 10, a.lr = 1e-6, a.beta1 = 0.9, a.beta2 = 0.99, a.eps = 1e-8;
    a.grad_scale = 1, a.ema_decay = 0.999, a.dtype = x.dtype();
    return a;
  };
}
auto sgd(int64_t n) {
  return [=](Arrays& x) { return SgdStep{x.updated(n), x.normal(n), x.updated(n), n, 1e-6, 0.9, 1e-4, 1, x.dtype()}; };
}
auto ema(int64_t n) {
  return [=](Arrays& x) { return EmaUpdate{x.updated(n), x.normal(n), n, 0.999, x.dtype()}; };
}
auto squares(int64_t n) {
  return [=](Arrays& x) { return SumSquares{x.normal(n), x.out<double>(1), n, x.dtype()}; };
}

const BenchRegistration adam_rows(adam_step, adam_cost,
                           {{"512x3x3x512", adam(kWeight, false), emulated(adam(kEmulated, false))},
                            {"2^24, with EMA", adam(kMany, true), emulated(adam(kEmulated, true))}});
const BenchRegistration sgd_rows(sgd_step, sgd_cost,
                           {{"512x3x3x512", sgd(kWeight), emulated(sgd(kEmulated))},
                            {"2^24", sgd(kMany), emulated(sgd(kEmulated))}});
const BenchRegistration ema_rows(ema_update, ema_cost,
                           {{"512x3x3x512", ema(kWeight), emulated(ema(kEmulated))},
                            {"2^24", ema(kMany), emulated(ema(kEmulated))}});
const BenchRegistration sum_rows(sum_squares, squares_cost,
                           {{"512x3x3x512", squares(kWeight), emulated(squares(kEmulated))},
                            {"2^24", squares(kMany), emulated(squares(kEmulated))}});

}  // namespace
}  // namespace kintsugi::bench
