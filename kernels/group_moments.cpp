#include "kernels/group_moments.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void group_moments_ref(const Context&, const GroupMoments&);
void group_moments_fast(const Context&, const GroupMoments&);
}  // namespace cpu
KIN_GPU_FUNCTION(group_moments_strips, GroupMoments);
namespace {

const Row<GroupMoments> rows[] = {
    KIN_GPU_ROW("strips", f32_or_bf16<GroupMoments>, group_moments_strips, "channel sums over strips of pixels, added in order"),
    {"fast", DeviceKind::cpu, f32_only<GroupMoments>, cpu::group_moments_fast, "strips that stay in cache, shifted sums, SIMD over channels"},
    {"ref", DeviceKind::cpu, takes_all<GroupMoments>, cpu::group_moments_ref, "plain loops, two passes in f64"},
};

}  // namespace

const Family<GroupMoments> group_moments{"group_moments", "mean = sum x / count, variance = sum (x - mean)^2 / count", rows};

}  // namespace kintsugi
