#include "kernels/layer_norm.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void layer_norm_fwd_ref(const Context&, const LayerNormFwd&);
void layer_norm_fwd_fast(const Context&, const LayerNormFwd&);
void layer_norm_bwd_ref(const Context&, const LayerNormBwd&);
void layer_norm_bwd_fast(const Context&, const LayerNormBwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(layer_norm_fwd_warp, LayerNormFwd);
KIN_GPU_FUNCTION(layer_norm_bwd_warp, LayerNormBwd);

namespace {
const Row<LayerNormFwd> fwd_rows[] = {
    KIN_GPU_ROW("warp", f32_or_bf16<LayerNormFwd>, layer_norm_fwd_warp, "one warp per row"),
    {"fast", DeviceKind::cpu, f32_only<LayerNormFwd>, cpu::layer_norm_fwd_fast, "shifted statistics, SIMD along the row"},
    {"ref", DeviceKind::cpu, takes_all<LayerNormFwd>, cpu::layer_norm_fwd_ref, "plain loops, sums in f64"},
};
const Row<LayerNormBwd> bwd_rows[] = {
    KIN_GPU_ROW("warp", f32_or_bf16<LayerNormBwd>, layer_norm_bwd_warp, "one warp per row, parameter sums in pieces, in order"),
    {"fast", DeviceKind::cpu, f32_only<LayerNormBwd>, cpu::layer_norm_bwd_fast,
     "SIMD along the row, parameter sums per block of rows added in order"},
    {"ref", DeviceKind::cpu, takes_all<LayerNormBwd>, cpu::layer_norm_bwd_ref, "plain loops, sums in f64"},
};
}  // namespace

const Family<LayerNormFwd> layer_norm_fwd{"layer_norm_fwd", "y = (x - m) / sqrt(v + eps) * gamma + beta", fwd_rows};
const Family<LayerNormBwd> layer_norm_bwd{
    "layer_norm_bwd", "gx = rstd (gamma gy - mean(gamma gy) - xhat mean(gamma gy xhat))", bwd_rows};

}  // namespace kintsugi
