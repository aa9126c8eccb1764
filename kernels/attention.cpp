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
KIN_GPU_FUNCTION(attention_fwd_mma, AttentionFwd);
KIN_GPU_FUNCTION(attention_bwd_mma, AttentionBwd);
KIN_GPU_FUNCTION(attention_fwd_tile, AttentionFwd);
KIN_GPU_FUNCTION(attention_bwd_tile, AttentionBwd);
KIN_GPU_FUNCTION(attention_fwd_block, AttentionFwd);
KIN_GPU_FUNCTION(attention_bwd_block, AttentionBwd);
KIN_GPU_FUNCTION(attention_map_block, AttentionMap);

namespace {
template <class Args>
const char* gpu_block(const Args& a) { return std::max(a.queries, a.keys) <= 6144 ? f32_or_bf16(a) : "needs at most 6144 tokens (48 KiB of shared memory)"; }

// The scores of 64 rows against all columns stay in registers, which hold 256 columns; the gradients of keys and values exchange the two.
const char* fits_registers(const AttentionFwd& a) { return a.keys <= 256 ? nullptr : "needs at most 256 keys (their scores stay in registers)"; }
const char* fits_registers(const AttentionBwd& a) {
  return a.queries <= 256 && a.keys <= 256 ? nullptr : "needs at most 256 queries and 256 keys (their scores stay in registers)";
}
template <class Args>
const char* too_many_blocks(const Args& a) {
  return a.n * a.heads * (std::max(a.queries, a.keys) / 64 + 1) < (int64_t(1) << 31) ? nullptr : "needs fewer than 2^31 blocks of 64 tokens";
}

template <class Args>
const char* gpu_tile(const Args& a) {
  if (const char* why = f32_or_bf16(a)) return why;
  if (const char* why = fits_registers(a)) return why;
  // Tiles of 64 + 256 tokens of 64 channels, and 64 x 256 weights in f32: kernels/gpu/attention_tile.h.
  if (!shared_memory_holds(320 * 68 * sizeof(float) + 64 * 256 * sizeof(float))) return "needs 149 KiB of shared memory per block";
  return too_many_blocks(a);
}
// In bf16, whose elements are unpacked, its registers would not do; `mma` has that type.
const char* gpu_bwd_tile(const AttentionBwd& a) {
  if (const char* why = f32_only(a)) return why;
  return gpu_tile(a);
}

bool aligned(const AttentionFwd& a) { return aligned16(a.q, a.k, a.v, a.y); }
bool aligned(const AttentionBwd& a) { return aligned16(a.q, a.k, a.v, a.gy, a.gq, a.gk, a.gv); }
template <class Args>
const char* gpu_mma(const Args& a) {
  if (a.dtype != DType::bf16) return "needs bf16";
  if (const char* why = fits_registers(a)) return why;
  if (a.channels / a.heads % 8 != 0) return "needs heads of a multiple of 8 channels";
  if (!aligned(a)) return kNeedsAlignment;
  return too_many_blocks(a);
}

const Row<AttentionFwd> fwd_rows[] = {
    KIN_GPU_ROW("mma", gpu_mma<AttentionFwd>, attention_fwd_mma, "64 queries per block, all keys at once, bf16 tensor cores by warp (mma.sync)"),
    KIN_GPU_ROW("tile", gpu_tile<AttentionFwd>, attention_fwd_tile, "64 queries per block, all keys at once, scores in registers"),
    KIN_GPU_ROW("block", gpu_block<AttentionFwd>, attention_fwd_block, "one block per query"),
    {"fast", DeviceKind::cpu, f32_only<AttentionFwd>, cpu::attention_fwd_fast, "blocks of queries, packed keys and values, SIMD"},
    {"ref", DeviceKind::cpu, takes_all<AttentionFwd>, cpu::attention_fwd_ref, "plain loops, sums in f64"},
};
const Row<AttentionBwd> bwd_rows[] = {
    KIN_GPU_ROW("mma", gpu_mma<AttentionBwd>, attention_bwd_mma, "64 queries, then 64 keys per block, bf16 tensor cores by warp (mma.sync); no atomics"),
    KIN_GPU_ROW("tile", gpu_bwd_tile, attention_bwd_tile, "64 queries, then 64 keys per block, scores in registers; no atomics"),
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
