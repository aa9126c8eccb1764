#include "kernels/pool.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void max_pool_fwd_ref(const Context&, const MaxPoolFwd&);
void max_pool_fwd_fast(const Context&, const MaxPoolFwd&);
void max_pool_scatter_ref(const Context&, const MaxPoolIndexed&);
void max_pool_scatter_fast(const Context&, const MaxPoolIndexed&);
void max_pool_gather_ref(const Context&, const MaxPoolIndexed&);
void max_pool_gather_fast(const Context&, const MaxPoolIndexed&);
}  // namespace cpu
KIN_GPU_FUNCTION(max_pool_fwd_naive, MaxPoolFwd);
KIN_GPU_FUNCTION(max_pool_scatter_naive, MaxPoolIndexed);
KIN_GPU_FUNCTION(max_pool_gather_naive, MaxPoolIndexed);
namespace {
const Row<MaxPoolFwd> fwd_rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<MaxPoolFwd>, max_pool_fwd_naive, "one thread per element of y"),
    {"fast", DeviceKind::cpu, f32_only<MaxPoolFwd>, cpu::max_pool_fwd_fast, "channels in SIMD lanes, windows in parallel"},
    {"ref", DeviceKind::cpu, takes_all<MaxPoolFwd>, cpu::max_pool_fwd_ref, "plain loops"},
};
const Row<MaxPoolIndexed> scatter_rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<MaxPoolIndexed>, max_pool_scatter_naive, "one thread per element of gx looks at every cell"),
    {"fast", DeviceKind::cpu, f32_only<MaxPoolIndexed>, cpu::max_pool_scatter_fast, "one thread per image and channel block, no atomics"},
    {"ref", DeviceKind::cpu, takes_all<MaxPoolIndexed>, cpu::max_pool_scatter_ref, "f64 accumulation, plain loops"},
};
const Row<MaxPoolIndexed> gather_rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<MaxPoolIndexed>, max_pool_gather_naive, "one thread per element"),
    {"fast", DeviceKind::cpu, f32_only<MaxPoolIndexed>, cpu::max_pool_gather_fast, "cells in parallel"},
    {"ref", DeviceKind::cpu, takes_all<MaxPoolIndexed>, cpu::max_pool_gather_ref, "plain loops"},
};
}  // namespace
const Family<MaxPoolFwd> max_pool_fwd{"max_pool_fwd", "y = max over the window, index = first maximum", fwd_rows};
const Family<MaxPoolIndexed> max_pool_scatter{"max_pool_scatter", "gx[index[cell]] += gy[cell]", scatter_rows};
const Family<MaxPoolIndexed> max_pool_gather{"max_pool_gather", "y[cell] = x[index[cell]]", gather_rows};
}  // namespace kintsugi
