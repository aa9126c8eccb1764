#include "kernels/step_numbers.h"

#include <algorithm>

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void gather_numbers_ref(const Context&, const GatherNumbers&);
void equal_share_ref(const Context&, const EqualShare&);
void adaptive_weight_of_ref(const Context&, const AdaptiveWeightOf&);
void judge_step_ref(const Context&, const JudgeStep&);
}  // namespace cpu
KIN_GPU_FUNCTION(gather_numbers_threads, GatherNumbers);
KIN_GPU_FUNCTION(equal_share_pieces, EqualShare);
KIN_GPU_FUNCTION(adaptive_weight_of_naive, AdaptiveWeightOf);
KIN_GPU_FUNCTION(judge_step_block, JudgeStep);
namespace {

bool wide(DType t) { return t == DType::f32 || t == DType::f64; }
constexpr const char* kNeedsWide = "needs f32 or f64";
const char* gathers(const GatherNumbers& a) { return std::all_of(a.types, a.types + a.count, wide) ? nullptr : kNeedsWide; }
const char* weighs(const AdaptiveWeightOf& a) { return wide(a.dtype) ? nullptr : kNeedsWide; }

const Row<GatherNumbers> gather_rows[] = {
    KIN_GPU_ROW("threads", gathers, gather_numbers_threads, "one thread per number"),
    {"ref", DeviceKind::cpu, gathers, cpu::gather_numbers_ref, "plain loop"},
};
const Row<EqualShare> equal_rows[] = {
    KIN_GPU_ROW("pieces", takes_all<EqualShare>, equal_share_pieces, "one block per piece of 16,000 elements, pieces added in order"),
    {"ref", DeviceKind::cpu, takes_all<EqualShare>, cpu::equal_share_ref, "plain loop"},
};
const Row<AdaptiveWeightOf> weight_rows[] = {
    KIN_GPU_ROW("naive", weighs, adaptive_weight_of_naive, "one thread, in f64"),
    {"ref", DeviceKind::cpu, weighs, cpu::adaptive_weight_of_ref, "in f64"},
};
const Row<JudgeStep> judge_rows[] = {
    KIN_GPU_ROW("block", takes_all<JudgeStep>, judge_step_block, "one block brings the squares, one thread adds them in order, in f64"),
    {"ref", DeviceKind::cpu, takes_all<JudgeStep>, cpu::judge_step_ref, "plain loops in f64"},
};

}  // namespace
const Family<GatherNumbers> gather_numbers{"gather_numbers", "out_i = *from_i", gather_rows};
const Family<EqualShare> equal_share{"equal_share", "share of a_i = b_i", equal_rows};
const Family<AdaptiveWeightOf> adaptive_weight_of{"adaptive_weight_of", "clamp(|r| / (|g| + eps), 0, max)", weight_rows};
const Family<JudgeStep> judge_step{"judge_step", "norm of the gradient, clipping factor, are all finite", judge_rows};
}  // namespace kintsugi
