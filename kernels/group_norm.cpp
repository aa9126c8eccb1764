#include "kernels/group_norm.h"

namespace kintsugi {
namespace cpu {
void group_norm_fwd_ref(const Context&, const GroupNormFwd&);
void group_norm_fwd_fast(const Context&, const GroupNormFwd&);
void group_norm_bwd_ref(const Context&, const GroupNormBwd&);
void group_norm_bwd_fast(const Context&, const GroupNormBwd&);
}  // namespace cpu

namespace {
const Row<GroupNormFwd> fwd_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<GroupNormFwd>, cpu::group_norm_fwd_fast,
     "strips that stay in cache, shifted statistics, SIMD over channels"},
    {"ref", DeviceKind::cpu, takes_all<GroupNormFwd>, cpu::group_norm_fwd_ref, "plain loops, sums in f64"},
};
const Row<GroupNormBwd> bwd_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<GroupNormBwd>, cpu::group_norm_bwd_fast,
     "channel sums per strip added in order, SIMD over channels"},
    {"ref", DeviceKind::cpu, takes_all<GroupNormBwd>, cpu::group_norm_bwd_ref, "plain loops, sums in f64"},
};
}  // namespace

const Family<GroupNormFwd> group_norm_fwd{"group_norm_fwd", "y = act((x - m) / sqrt(v + eps) * gamma + beta)", fwd_rows};
const Family<GroupNormBwd> group_norm_bwd{
    "group_norm_bwd", "gx = rstd (gamma gz - mean(gamma gz) - xhat mean(gamma gz xhat)), gz = gy act'(z)", bwd_rows};

}  // namespace kintsugi
