#include "kernels/resample.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void resample2d_ref(const Context&, const Resample2d&);
void resample2d_fast(const Context&, const Resample2d&);
}  // namespace cpu
KIN_GPU_FUNCTION(resample2d_naive, Resample2d);
namespace {
const Row<Resample2d> rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<Resample2d>, resample2d_naive, "one thread per element of y, both axes at once"),
    {"fast", DeviceKind::cpu, f32_only<Resample2d>, cpu::resample2d_fast, "rows first, then columns; SIMD; single unit taps are copied"},
    {"ref", DeviceKind::cpu, takes_all<Resample2d>, cpu::resample2d_ref, "direct double sum over both axes' taps"},
};
}  // namespace
const Family<Resample2d> resample2d{"resample2d", "y[i,j] = sum_ab R[i,a] S[j,b] x[a,b]", rows};
}  // namespace kintsugi
