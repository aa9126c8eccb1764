#include "kernels/softmax.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void softmax_fwd_ref(const Context&, const SoftmaxFwd&);
void softmax_fwd_fast(const Context&, const SoftmaxFwd&);
void softmax_bwd_ref(const Context&, const SoftmaxBwd&);
void softmax_bwd_fast(const Context&, const SoftmaxBwd&);
void log_softmax_fwd_ref(const Context&, const SoftmaxFwd&);
void log_softmax_fwd_fast(const Context&, const SoftmaxFwd&);
void log_softmax_bwd_ref(const Context&, const SoftmaxBwd&);
void log_softmax_bwd_fast(const Context&, const SoftmaxBwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(softmax_fwd_block, SoftmaxFwd);
KIN_GPU_FUNCTION(softmax_fwd_naive, SoftmaxFwd);
KIN_GPU_FUNCTION(softmax_bwd_block, SoftmaxBwd);
KIN_GPU_FUNCTION(softmax_bwd_naive, SoftmaxBwd);
KIN_GPU_FUNCTION(log_softmax_fwd_block, SoftmaxFwd);
KIN_GPU_FUNCTION(log_softmax_fwd_naive, SoftmaxFwd);
KIN_GPU_FUNCTION(log_softmax_bwd_block, SoftmaxBwd);
KIN_GPU_FUNCTION(log_softmax_bwd_naive, SoftmaxBwd);

namespace {
const Row<SoftmaxFwd> fwd_rows[] = {
    KIN_GPU_ROW("block", f32_or_bf16<SoftmaxFwd>, softmax_fwd_block, "one block per row, reductions through shared memory"),
    KIN_GPU_ROW("naive", f32_or_bf16<SoftmaxFwd>, softmax_fwd_naive, "one thread per row"),
    {"fast", DeviceKind::cpu, f32_only<SoftmaxFwd>, cpu::softmax_fwd_fast, "SIMD along the row, rows in parallel"},
    {"ref", DeviceKind::cpu, takes_all<SoftmaxFwd>, cpu::softmax_fwd_ref, "plain loops, sums in f64"},
};
const Row<SoftmaxBwd> bwd_rows[] = {
    KIN_GPU_ROW("block", f32_or_bf16<SoftmaxBwd>, softmax_bwd_block, "one block per row, reductions through shared memory"),
    KIN_GPU_ROW("naive", f32_or_bf16<SoftmaxBwd>, softmax_bwd_naive, "one thread per row"),
    {"fast", DeviceKind::cpu, f32_only<SoftmaxBwd>, cpu::softmax_bwd_fast, "SIMD along the row, rows in parallel"},
    {"ref", DeviceKind::cpu, takes_all<SoftmaxBwd>, cpu::softmax_bwd_ref, "plain loops, sums in f64"},
};
const Row<SoftmaxFwd> log_fwd_rows[] = {
    KIN_GPU_ROW("block", f32_or_bf16<SoftmaxFwd>, log_softmax_fwd_block, "one block per row, reductions through shared memory"),
    KIN_GPU_ROW("naive", f32_or_bf16<SoftmaxFwd>, log_softmax_fwd_naive, "one thread per row"),
    {"fast", DeviceKind::cpu, f32_only<SoftmaxFwd>, cpu::log_softmax_fwd_fast, "SIMD along the row, rows in parallel"},
    {"ref", DeviceKind::cpu, takes_all<SoftmaxFwd>, cpu::log_softmax_fwd_ref, "plain loops, sums in f64"},
};
const Row<SoftmaxBwd> log_bwd_rows[] = {
    KIN_GPU_ROW("block", f32_or_bf16<SoftmaxBwd>, log_softmax_bwd_block, "one block per row, reductions through shared memory"),
    KIN_GPU_ROW("naive", f32_or_bf16<SoftmaxBwd>, log_softmax_bwd_naive, "one thread per row"),
    {"fast", DeviceKind::cpu, f32_only<SoftmaxBwd>, cpu::log_softmax_bwd_fast, "SIMD along the row, rows in parallel"},
    {"ref", DeviceKind::cpu, takes_all<SoftmaxBwd>, cpu::log_softmax_bwd_ref, "plain loops, sums in f64"},
};
}  // namespace

const Family<SoftmaxFwd> softmax_fwd{"softmax_fwd", "y = exp(x) / sum exp(x)", fwd_rows};
const Family<SoftmaxBwd> softmax_bwd{"softmax_bwd", "gx = y (gy - sum(gy y))", bwd_rows};
const Family<SoftmaxFwd> log_softmax_fwd{"log_softmax_fwd", "y = x - log sum exp(x)", log_fwd_rows};
const Family<SoftmaxBwd> log_softmax_bwd{"log_softmax_bwd", "gx = gy - exp(y) sum(gy)", log_bwd_rows};

}  // namespace kintsugi
