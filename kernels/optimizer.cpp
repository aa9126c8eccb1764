#include "kernels/optimizer.h"

namespace kintsugi {
namespace cpu {
void adam_step_ref(const Context&, const AdamStep&);
void adam_step_fast(const Context&, const AdamStep&);
void sgd_step_ref(const Context&, const SgdStep&);
void sgd_step_fast(const Context&, const SgdStep&);
void ema_update_ref(const Context&, const EmaUpdate&);
void ema_update_fast(const Context&, const EmaUpdate&);
void sum_squares_ref(const Context&, const SumSquares&);
void sum_squares_fast(const Context&, const SumSquares&);
}  // namespace cpu
namespace {
const Row<AdamStep> adam_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<AdamStep>, cpu::adam_step_fast, "one pass over all arrays, in f32, parallel"},
    {"ref", DeviceKind::cpu, takes_all<AdamStep>, cpu::adam_step_ref, "plain loop in f64"},
};
const Row<SgdStep> sgd_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<SgdStep>, cpu::sgd_step_fast, "one pass over all arrays, in f32, parallel"},
    {"ref", DeviceKind::cpu, takes_all<SgdStep>, cpu::sgd_step_ref, "plain loop in f64"},
};
const Row<EmaUpdate> ema_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<EmaUpdate>, cpu::ema_update_fast, "parallel, in f32"},
    {"ref", DeviceKind::cpu, takes_all<EmaUpdate>, cpu::ema_update_ref, "plain loop in f64"},
};
const Row<SumSquares> sum_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<SumSquares>, cpu::sum_squares_fast, "blocks in parallel, eight f64 sums each"},
    {"ref", DeviceKind::cpu, takes_all<SumSquares>, cpu::sum_squares_ref, "plain loop in f64"},
};
}  // namespace
const Family<AdamStep> adam_step{"adam_step", "p -= lr mhat / (sqrt(vhat) + eps), with weight decay and EMA", adam_rows};
const Family<SgdStep> sgd_step{"sgd_step", "b = mu b + g + wd p; p -= lr b", sgd_rows};
const Family<EmaUpdate> ema_update{"ema_update", "ema = d ema + (1-d) p", ema_rows};
const Family<SumSquares> sum_squares{"sum_squares", "sum x^2", sum_rows};
}  // namespace kintsugi
