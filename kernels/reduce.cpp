#include "kernels/reduce.h"

namespace kintsugi {
namespace cpu {
void reduce_sum_ref(const Context&, const ReduceSum&);
void reduce_sum_fast(const Context&, const ReduceSum&);
void reduce_max_ref(const Context&, const ReduceMax&);
void reduce_max_fast(const Context&, const ReduceMax&);
void pick_place_ref(const Context&, const PickPlace&);
}  // namespace cpu

namespace {

const char* index_fits(const ReduceMax& p) { return p.reduced < int64_t(1) << 31 ? nullptr : "needs fewer than 2^31 elements per maximum"; }

const Row<ReduceSum> sum_rows[] = {
    {"fast", DeviceKind::cpu, f32_only<ReduceSum>, cpu::reduce_sum_fast, "f32 registers flushed to f64 every 32 rows, ordered partials"},
    {"ref", DeviceKind::cpu, takes_all<ReduceSum>, cpu::reduce_sum_ref, "plain loop in f64"},
};
const Row<ReduceMax> max_rows[] = {
    {"fast", DeviceKind::cpu, index_fits, cpu::reduce_max_fast, "one pass in memory order without branches, threads over outer"},
    {"ref", DeviceKind::cpu, takes_all<ReduceMax>, cpu::reduce_max_ref, "plain loop"},
};
const Row<PickPlace> pick_rows[] = {
    {"ref", DeviceKind::cpu, takes_all<PickPlace>, cpu::pick_place_ref, "plain loop"},
};

}  // namespace

const Family<ReduceSum> reduce_sum{"reduce_sum", "y[o,i] = scale sum_r x[o,r,i]", sum_rows};
const Family<ReduceMax> reduce_max{"reduce_max", "y[o,i] = max_r x[o,r,i], index = its first r", max_rows};
const Family<PickPlace> pick_place{"pick_place", "y[o,i] = x[o,index[o,i],i], or its adjoint", pick_rows};

}  // namespace kintsugi
