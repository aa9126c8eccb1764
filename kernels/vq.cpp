#include "kernels/vq.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void nearest_code_ref(const Context&, const NearestCode&);
void nearest_code_fast(const Context&, const NearestCode&);
}  // namespace cpu
KIN_GPU_FUNCTION(nearest_code_naive, NearestCode);
KIN_GPU_FUNCTION(nearest_code_block, NearestCode);

namespace {
const char* gpu_block(const NearestCode& a) { return a.codes <= 8192 ? f32_only(a) : "needs at most 8192 codes (shared memory)"; }

const Row<NearestCode> rows[] = {
    KIN_GPU_ROW("block", gpu_block, nearest_code_block, "one block per row; f32 first, then f64 for the codes that f32 cannot tell apart"),
    KIN_GPU_ROW("naive", f32_only<NearestCode>, nearest_code_naive, "one thread per row, every distance in f64"),
    {"fast", DeviceKind::cpu, f32_only<NearestCode>, cpu::nearest_code_fast,
     "one product in f32, then f64 for the codes that f32 cannot tell apart"},
    {"ref", DeviceKind::cpu, takes_all<NearestCode>, cpu::nearest_code_ref, "every distance in f64"},
};
}  // namespace

const Family<NearestCode> nearest_code_fwd{"nearest_code_fwd", "index_r = argmin_k |z_r|^2 + |e_k|^2 - 2 z_r . e_k", rows};

}  // namespace kintsugi
