#include "kernels/reduce.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void reduce_sum_ref(const Context&, const ReduceSum&);
void reduce_sum_fast(const Context&, const ReduceSum&);
void reduce_max_ref(const Context&, const ReduceMax&);
void reduce_max_fast(const Context&, const ReduceMax&);
void pick_place_ref(const Context&, const PickPlace&);
}  // namespace cpu
KIN_GPU_FUNCTION(reduce_sum_naive, ReduceSum);
KIN_GPU_FUNCTION(reduce_sum_pieces, ReduceSum);
KIN_GPU_FUNCTION(reduce_max_naive, ReduceMax);
KIN_GPU_FUNCTION(reduce_max_block, ReduceMax);
KIN_GPU_FUNCTION(pick_place_naive, PickPlace);

namespace {

const char* index_fits(const ReduceMax& p) { return p.reduced < int64_t(1) << 31 ? nullptr : "needs fewer than 2^31 elements per maximum"; }

const Row<ReduceSum> sum_rows[] = {
    KIN_GPU_ROW("pieces", f32_or_bf16<ReduceSum>, reduce_sum_pieces, "one block per piece of 16,000 elements, pieces added in order, in f64"),
    KIN_GPU_ROW("naive", f32_or_bf16<ReduceSum>, reduce_sum_naive, "one thread per sum, in f64"),
    {"fast", DeviceKind::cpu, f32_only<ReduceSum>, cpu::reduce_sum_fast, "f32 registers flushed to f64 every 32 rows, ordered partials"},
    {"ref", DeviceKind::cpu, takes_all<ReduceSum>, cpu::reduce_sum_ref, "plain loop in f64"},
};
const Row<ReduceMax> max_rows[] = {
    KIN_GPU_ROW("block", f32_or_bf16<ReduceMax>, reduce_max_block, "one block per strip of lines"),
    KIN_GPU_ROW("naive", f32_or_bf16<ReduceMax>, reduce_max_naive, "one thread per maximum"),
    {"fast", DeviceKind::cpu, index_fits, cpu::reduce_max_fast, "one pass in memory order without branches, threads over outer"},
    {"ref", DeviceKind::cpu, takes_all<ReduceMax>, cpu::reduce_max_ref, "plain loop"},
};
const Row<PickPlace> pick_rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<PickPlace>, pick_place_naive, "one thread per element of y, nothing to clear"),
    {"ref", DeviceKind::cpu, takes_all<PickPlace>, cpu::pick_place_ref, "plain loop"},
};

}  // namespace

const Family<ReduceSum> reduce_sum{"reduce_sum", "y[o,i] = scale sum_r x[o,r,i]", sum_rows};
const Family<ReduceMax> reduce_max{"reduce_max", "y[o,i] = max_r x[o,r,i], index = its first r", max_rows};
const Family<PickPlace> pick_place{"pick_place", "y[o,i] = x[o,index[o,i],i], or its adjoint", pick_rows};

}  // namespace kintsugi
