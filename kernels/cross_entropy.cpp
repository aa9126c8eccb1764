#include "kernels/cross_entropy.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void cross_entropy_ref(const Context&, const CrossEntropy&);
void cross_entropy_fast(const Context&, const CrossEntropy&);
}  // namespace cpu
KIN_GPU_FUNCTION(cross_entropy_naive, CrossEntropy);
KIN_GPU_FUNCTION(cross_entropy_block, CrossEntropy);

namespace {
const char* gpu_block(const CrossEntropy& a) { return a.classes <= 12288 ? f32_or_bf16(a) : "needs at most 12288 classes (48 KiB of shared memory)"; }

const Row<CrossEntropy> rows[] = {
    KIN_GPU_ROW("block", gpu_block, cross_entropy_block, "one block per row, the row read once and kept in shared memory"),
    KIN_GPU_ROW("naive", f32_or_bf16<CrossEntropy>, cross_entropy_naive, "one thread per row"),
    {"fast", DeviceKind::cpu, f32_only<CrossEntropy>, cpu::cross_entropy_fast, "loss and gradient in one visit, SIMD along the row"},
    {"ref", DeviceKind::cpu, takes_all<CrossEntropy>, cpu::cross_entropy_ref, "plain loops, sums in f64"},
};
}  // namespace

const Family<CrossEntropy> cross_entropy_fwd{"cross_entropy_fwd", "loss = -mean_r sum_k q_rk log softmax(logits_r)_k", rows};

}  // namespace kintsugi
