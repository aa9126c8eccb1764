#include "kernels/prelu.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void prelu_fwd_ref(const Context&, const PreluFwd&);
void prelu_fwd_fast(const Context&, const PreluFwd&);
void prelu_bwd_ref(const Context&, const PreluBwd&);
void prelu_bwd_fast(const Context&, const PreluBwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(prelu_fwd_naive, PreluFwd);
KIN_GPU_FUNCTION(prelu_bwd_naive, PreluBwd);

namespace {

const Row<PreluFwd> fwd_rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<PreluFwd>, prelu_fwd_naive, "one thread per element"),
    {"fast", DeviceKind::cpu, f32_only<PreluFwd>, cpu::prelu_fwd_fast, "SIMD along channels, threads over rows"},
    {"ref", DeviceKind::cpu, takes_all<PreluFwd>, cpu::prelu_fwd_ref, "plain loop"},
};
const Row<PreluBwd> bwd_rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<PreluBwd>, prelu_bwd_naive, "one thread per element; slopes summed in pieces, in order, in f64"),
    {"fast", DeviceKind::cpu, f32_only<PreluBwd>, cpu::prelu_bwd_fast, "SIMD, one pass for both gradients, ordered partial sums per chunk of rows"},
    {"ref", DeviceKind::cpu, takes_all<PreluBwd>, cpu::prelu_bwd_ref, "plain loop"},
};

}  // namespace

const Family<PreluFwd> prelu_fwd{"prelu_fwd", "y = x > 0 ? x : slope[c] x", fwd_rows};
const Family<PreluBwd> prelu_bwd{"prelu_bwd", "gx = gy (x > 0 ? 1 : slope[c]), gslope[c] = sum gy min(x, 0)", bwd_rows};

}  // namespace kintsugi
