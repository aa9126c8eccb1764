#include "kernels/cosine_triplet.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void cosine_triplet_fwd_ref(const Context&, const CosineTripletFwd&);
void cosine_triplet_fwd_fast(const Context&, const CosineTripletFwd&);
void cosine_triplet_bwd_ref(const Context&, const CosineTripletBwd&);
void cosine_triplet_bwd_fast(const Context&, const CosineTripletBwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(cosine_triplet_fwd_pieces, CosineTripletFwd);
KIN_GPU_FUNCTION(cosine_triplet_bwd_naive, CosineTripletBwd);

namespace {

const Row<CosineTripletFwd> fwd_rows[] = {
    KIN_GPU_ROW("pieces", f32_or_bf16<CosineTripletFwd>, cosine_triplet_fwd_pieces, "all five products in one pass, pieces added in order, in f64"),
    {"fast", DeviceKind::cpu, f32_only<CosineTripletFwd>, cpu::cosine_triplet_fwd_fast, "all five products in one pass, ordered partial sums in f64"},
    {"ref", DeviceKind::cpu, takes_all<CosineTripletFwd>, cpu::cosine_triplet_fwd_ref, "plain loop in f64"},
};
const Row<CosineTripletBwd> bwd_rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<CosineTripletBwd>, cosine_triplet_bwd_naive, "one thread per element, three gradients in one pass"),
    {"fast", DeviceKind::cpu, f32_only<CosineTripletBwd>, cpu::cosine_triplet_bwd_fast, "all three gradients in one pass"},
    {"ref", DeviceKind::cpu, takes_all<CosineTripletBwd>, cpu::cosine_triplet_bwd_ref, "plain loop in f64"},
};

}  // namespace

const Family<CosineTripletFwd> cosine_triplet_fwd{"cosine_triplet_fwd", "L = mean softplus(cos(q, a) - cos(p, a))", fwd_rows};
const Family<CosineTripletBwd> cosine_triplet_bwd{
    "cosine_triplet_bwd", "gp = s (c+ p/|p|^2 - a/(|p||a|)), s = gy/B sigmoid(c- - c+); ga, gq likewise", bwd_rows};

}  // namespace kintsugi
