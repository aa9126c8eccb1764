#include "kernels/attention.h"

#include <algorithm>

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void attention_fwd_ref(const Context&, const AttentionFwd&);
void attention_fwd_fast(const Context&, const AttentionFwd&);
void attention_bwd_ref(const Context&, const AttentionBwd&);
void attention_bwd_fast(const Context&, const AttentionBwd&);
void attention_map_ref(const Context&, const AttentionMap&);
}  // namespace cpu
KIN_GPU_FUNCTION(attention_fwd_block, AttentionFwd);
KIN_GPU_FUNCTION(attention_bwd_block, AttentionBwd);
KIN_GPU_FUNCTION(attention_map_block, AttentionMap);

namespace {
template <class Args>
const char* gpu_block(const Args& a) { return std::max(a.queries, a.keys) <= 6144 ? f32_or_bf16(a) : "needs at most 6144 tokens (48 KiB of shared memory)"; }

const Row<AttentionFwd> fwd_rows[] = {
    KIN_GPU_ROW("block", gpu_block<AttentionFwd>, attention_fwd_block, "one block per query"),
    {"fast", DeviceKind::cpu, f32_only<AttentionFwd>, cpu::attention_fwd_fast, "blocks of queries, packed keys and values, SIMD"},
    {"ref", DeviceKind::cpu, takes_all<AttentionFwd>, cpu::attention_fwd_ref, "plain loops, sums in f64"},
};
const Row<AttentionBwd> bwd_rows[] = {
    KIN_GPU_ROW("block", gpu_block<AttentionBwd>, attention_bwd_block, "one block per query, then one per key; no atomics"),
    {"fast", DeviceKind::cpu, f32_only<AttentionBwd>, cpu::attention_bwd_fast,
     "gq by blocks of queries, gk and gv by blocks of keys, SIMD"},
    {"ref", DeviceKind::cpu, takes_all<AttentionBwd>, cpu::attention_bwd_ref, "plain loops, sums in f64"},
};
const Row<AttentionMap> map_rows[] = {
    KIN_GPU_ROW("block", gpu_block<AttentionMap>, attention_map_block, "one block per query"),
    {"ref", DeviceKind::cpu, takes_all<AttentionMap>, cpu::attention_map_ref, "plain loops, sums in f64"},
};
}  // namespace

const Family<AttentionFwd> attention_fwd{"attention_fwd", "y = softmax(scale q k^T) v, per head", fwd_rows};
const Family<AttentionBwd> attention_bwd{"attention_bwd", "gS = P (gP - rowsum(gP P)), P = softmax(scale q k^T), gP = gy v^T", bwd_rows};
const Family<AttentionMap> attention_map_fwd{"attention_map_fwd", "map = mean over heads of softmax(scale q k^T)", map_rows};

}  // namespace kintsugi
