#include "kernels/prelu.h"

namespace kintsugi {
namespace cpu {
void prelu_fwd_ref(const Context&, const PreluFwd&);
void prelu_fwd_fast(const Context&, const PreluFwd&);
void prelu_bwd_ref(const Context&, const PreluBwd&);
void prelu_bwd_fast(const Context&, const PreluBwd&);
}  // namespace cpu

namespace {

const Row<PreluFwd> fwd_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<PreluFwd>, cpu::prelu_fwd_fast, "SIMD along channels, threads over rows"},
    {"ref", DeviceKind::cpu, takes_all<PreluFwd>, cpu::prelu_fwd_ref, "plain loop"},
};
const Row<PreluBwd> bwd_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<PreluBwd>, cpu::prelu_bwd_fast, "SIMD, one pass for both gradients, ordered partial sums per chunk of rows"},
    {"ref", DeviceKind::cpu, takes_all<PreluBwd>, cpu::prelu_bwd_ref, "plain loop"},
};

}  // namespace

const Family<PreluFwd> prelu_fwd{"prelu_fwd", "y = x > 0 ? x : slope[c] x", fwd_rows};
const Family<PreluBwd> prelu_bwd{"prelu_bwd", "gx = gy (x > 0 ? 1 : slope[c]), gslope[c] = sum gy min(x, 0)", bwd_rows};

}  // namespace kintsugi
