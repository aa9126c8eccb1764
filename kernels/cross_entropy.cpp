#include "kernels/cross_entropy.h"

namespace kintsugi {
namespace cpu {
void cross_entropy_ref(const Context&, const CrossEntropy&);
void cross_entropy_fast(const Context&, const CrossEntropy&);
}  // namespace cpu

namespace {
const Row<CrossEntropy> rows[] = {
    {"fast", DeviceKind::cpu, f32_only<CrossEntropy>, cpu::cross_entropy_fast, "loss and gradient in one visit, SIMD along the row"},
    {"ref", DeviceKind::cpu, takes_all<CrossEntropy>, cpu::cross_entropy_ref, "plain loops, sums in f64"},
};
}  // namespace

const Family<CrossEntropy> cross_entropy_fwd{"cross_entropy_fwd", "loss = -mean_r sum_k q_rk log softmax(logits_r)_k", rows};

}  // namespace kintsugi
