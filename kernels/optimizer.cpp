#include "kernels/optimizer.h"

#include "kernels/gpu_rows.h"

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
KIN_GPU_FUNCTION(adam_step_naive, AdamStep);
KIN_GPU_FUNCTION(adam_step_vector, AdamStep);
KIN_GPU_FUNCTION(sgd_step_naive, SgdStep);
KIN_GPU_FUNCTION(ema_update_naive, EmaUpdate);
KIN_GPU_FUNCTION(sum_squares_pieces, SumSquares);
namespace {
const char* gpu_vectors(const AdamStep& a) { return aligned16(a.p, a.g, a.m, a.v, a.ema) ? f32_only(a) : kNeedsAlignment; }

const Row<AdamStep> adam_rows[] = {
    KIN_GPU_ROW("vector", gpu_vectors, adam_step_vector, "four parameters per thread, 16-byte accesses"),
    KIN_GPU_ROW("naive", f32_only<AdamStep>, adam_step_naive, "one thread per parameter"),
    {"fast", DeviceKind::cpu, f32_only<AdamStep>, cpu::adam_step_fast, "one pass over all arrays, in f32, parallel"},
    {"ref", DeviceKind::cpu, takes_all<AdamStep>, cpu::adam_step_ref, "plain loop in f64"},
};
const Row<SgdStep> sgd_rows[] = {
    KIN_GPU_ROW("naive", f32_only<SgdStep>, sgd_step_naive, "one thread per parameter"),
    {"fast", DeviceKind::cpu, f32_only<SgdStep>, cpu::sgd_step_fast, "one pass over all arrays, in f32, parallel"},
    {"ref", DeviceKind::cpu, takes_all<SgdStep>, cpu::sgd_step_ref, "plain loop in f64"},
};
const Row<EmaUpdate> ema_rows[] = {
    KIN_GPU_ROW("naive", f32_only<EmaUpdate>, ema_update_naive, "one thread per element"),
    {"fast", DeviceKind::cpu, f32_only<EmaUpdate>, cpu::ema_update_fast, "parallel, in f32"},
    {"ref", DeviceKind::cpu, takes_all<EmaUpdate>, cpu::ema_update_ref, "plain loop in f64"},
};
const Row<SumSquares> sum_rows[] = {
    KIN_GPU_ROW("pieces", f32_only<SumSquares>, sum_squares_pieces, "one block per piece of 16,000 elements, pieces added in order, in f64"),
    {"fast", DeviceKind::cpu, f32_only<SumSquares>, cpu::sum_squares_fast, "blocks in parallel, eight f64 sums each"},
    {"ref", DeviceKind::cpu, takes_all<SumSquares>, cpu::sum_squares_ref, "plain loop in f64"},
};
}  // namespace
const Family<AdamStep> adam_step{"adam_step", "p -= lr mhat / (sqrt(vhat) + eps), with weight decay and EMA", adam_rows};
const Family<SgdStep> sgd_step{"sgd_step", "b = mu b + g + wd p; p -= lr b", sgd_rows};
const Family<EmaUpdate> ema_update{"ema_update", "ema = d ema + (1-d) p", ema_rows};
const Family<SumSquares> sum_squares{"sum_squares", "sum x^2", sum_rows};
}  // namespace kintsugi
