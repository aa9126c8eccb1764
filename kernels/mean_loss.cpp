#include "kernels/mean_loss.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void mean_loss_fwd_ref(const Context&, const MeanLossFwd&);
void mean_loss_fwd_fast(const Context&, const MeanLossFwd&);
void mean_loss_bwd_ref(const Context&, const MeanLossBwd&);
void mean_loss_bwd_fast(const Context&, const MeanLossBwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(mean_loss_fwd_naive, MeanLossFwd);
KIN_GPU_FUNCTION(mean_loss_fwd_pieces, MeanLossFwd);
KIN_GPU_FUNCTION(mean_loss_bwd_naive, MeanLossBwd);

namespace {

const Row<MeanLossFwd> fwd_rows[] = {
    KIN_GPU_ROW("pieces", f32_or_bf16<MeanLossFwd>, mean_loss_fwd_pieces, "one block per piece of 16,000 elements, pieces added in order, in f64"),
    KIN_GPU_ROW("naive", f32_or_bf16<MeanLossFwd>, mean_loss_fwd_naive, "one block walks everything"),
    {"fast", DeviceKind::cpu, f32_only<MeanLossFwd>, cpu::mean_loss_fwd_fast, "SIMD, ordered partial sums in f64"},
    {"ref", DeviceKind::cpu, takes_all<MeanLossFwd>, cpu::mean_loss_fwd_ref, "plain loop in f64"},
};
const Row<MeanLossBwd> bwd_rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<MeanLossBwd>, mean_loss_bwd_naive, "one thread per element, both gradients in one pass"),
    {"fast", DeviceKind::cpu, f32_only<MeanLossBwd>, cpu::mean_loss_bwd_fast, "SIMD, both gradients in one pass"},
    {"ref", DeviceKind::cpu, takes_all<MeanLossBwd>, cpu::mean_loss_bwd_ref, "plain loop in f64"},
};

}  // namespace

const Family<MeanLossFwd> mean_loss_fwd{"mean_loss_fwd", "y = 1/n sum f(a - b)", fwd_rows};
const Family<MeanLossBwd> mean_loss_bwd{"mean_loss_bwd", "ga = gy/n f'(a - b) = -gb", bwd_rows};

}  // namespace kintsugi
