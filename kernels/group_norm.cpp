#include "kernels/group_norm.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void group_norm_fwd_ref(const Context&, const GroupNormFwd&);
void group_norm_fwd_fast(const Context&, const GroupNormFwd&);
void group_norm_bwd_ref(const Context&, const GroupNormBwd&);
void group_norm_bwd_fast(const Context&, const GroupNormBwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(group_norm_fwd_naive, GroupNormFwd);
KIN_GPU_FUNCTION(group_norm_fwd_strips, GroupNormFwd);
KIN_GPU_FUNCTION(group_norm_bwd_naive, GroupNormBwd);
KIN_GPU_FUNCTION(group_norm_bwd_strips, GroupNormBwd);

namespace {
const Row<GroupNormFwd> fwd_rows[] = {
    KIN_GPU_ROW("strips", f32_or_bf16<GroupNormFwd>, group_norm_fwd_strips, "blocks over strips of pixels with all channels, sums added in order; moments that are known are not summed"),
    KIN_GPU_ROW("naive", f32_or_bf16<GroupNormFwd>, group_norm_fwd_naive, "one block per image and group"),
    {"fast", DeviceKind::cpu, f32_only<GroupNormFwd>, cpu::group_norm_fwd_fast,
     "strips that stay in cache, shifted statistics, SIMD over channels"},
    {"ref", DeviceKind::cpu, takes_all<GroupNormFwd>, cpu::group_norm_fwd_ref, "plain loops, sums in f64"},
};
const Row<GroupNormBwd> bwd_rows[] = {
    KIN_GPU_ROW("strips", f32_or_bf16<GroupNormBwd>, group_norm_bwd_strips, "channel sums over strips of pixels, added in order"),
    KIN_GPU_ROW("naive", f32_or_bf16<GroupNormBwd>, group_norm_bwd_naive, "channel sums by one thread each"),
    {"fast", DeviceKind::cpu, f32_only<GroupNormBwd>, cpu::group_norm_bwd_fast,
     "channel sums per strip added in order, SIMD over channels"},
    {"ref", DeviceKind::cpu, takes_all<GroupNormBwd>, cpu::group_norm_bwd_ref, "plain loops, sums in f64"},
};
}  // namespace

const Family<GroupNormFwd> group_norm_fwd{"group_norm_fwd", "y = act((x - m) / sqrt(v + eps) * gamma + beta)", fwd_rows};
const Family<GroupNormBwd> group_norm_bwd{
    "group_norm_bwd", "gx = rstd (gamma gz - mean(gamma gz) - xhat mean(gamma gz xhat)), gz = gy act'(z)", bwd_rows};

}  // namespace kintsugi
