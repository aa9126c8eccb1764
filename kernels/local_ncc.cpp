#include "kernels/local_ncc.h"

#include "kernels/gpu_rows.h"
#include "kernels/local_ncc_box.h"

namespace kintsugi {
namespace cpu {
void local_ncc_fwd_ref(const Context&, const LocalNccFwd&);
void local_ncc_fwd_fast(const Context&, const LocalNccFwd&);
void local_ncc_bwd_ref(const Context&, const LocalNccBwd&);
void local_ncc_bwd_fast(const Context&, const LocalNccBwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(local_ncc_fwd_box, LocalNccFwd);
KIN_GPU_FUNCTION(local_ncc_bwd_box, LocalNccBwd);
KIN_GPU_FUNCTION(local_ncc_fwd_naive, LocalNccFwd);
KIN_GPU_FUNCTION(local_ncc_bwd_naive, LocalNccBwd);
namespace {
const char* backward_needs_f32(const LocalNccBwd& a) { return f32_only(a.forward); }

const char* gpu_box(const LocalNccFwd& f, bool backward) {
  if (const char* why = f32_or_bf16(f)) return why;
  if (f.window > kNccWidestWindow) return "needs a window of at most 21 pixels (its tile stays in shared memory)";
  if (!shared_memory_holds(ncc_bytes(ncc_side(f.window, backward)))) return "needs more shared memory per block for this window than the GPU has";
  if (f.n * (f.h / kNccTile + 1) * (f.w / kNccTile + 1) * f.c >= int64_t(1) << 31) return "needs fewer than 2^31 tiles of 32 x 32 pixels";
  return nullptr;
}
const char* forward_box(const LocalNccFwd& f) { return gpu_box(f, false); }
const char* backward_box(const LocalNccBwd& a) { return gpu_box(a.forward, true); }

const Row<LocalNccFwd> fwd_rows[] = {
    KIN_GPU_ROW("box", forward_box, local_ncc_fwd_box, "running box sums of tiles in shared memory, in f64: cost independent of the window"),
    KIN_GPU_ROW("naive", f32_only<LocalNccFwd>, local_ncc_fwd_naive, "one thread per window"),
    {"fast", DeviceKind::cpu, f32_only<LocalNccFwd>, cpu::local_ncc_fwd_fast, "running box sums in f64: cost independent of the window"},
    {"ref", DeviceKind::cpu, takes_all<LocalNccFwd>, cpu::local_ncc_fwd_ref, "each window on its own, two passes"},
};
const Row<LocalNccBwd> bwd_rows[] = {
    KIN_GPU_ROW("box", backward_box, local_ncc_bwd_box, "running box sums of tiles, then of their windows' shares, in f64; one kernel"),
    KIN_GPU_ROW("naive", backward_needs_f32, local_ncc_bwd_naive, "one thread per window, then one per pixel"),
    {"fast", DeviceKind::cpu, backward_needs_f32, cpu::local_ncc_bwd_fast, "running box sums of the windows' coefficients in f64"},
    {"ref", DeviceKind::cpu, takes_all<LocalNccBwd>, cpu::local_ncc_bwd_ref, "each pixel sums over its windows"},
};
}  // namespace
const Family<LocalNccFwd> local_ncc_fwd{"local_ncc_fwd", "cc = cross^2 / (var_a var_b + eps) per window", fwd_rows};
const Family<LocalNccBwd> local_ncc_bwd{
    "local_ncc_bwd", "ga = sum_w g (2 cross/D (b-u_b) - 2 cross^2 var_b/D^2 (a-u_a)), D = var_a var_b + eps; gb likewise", bwd_rows};
}  // namespace kintsugi
