#include "kernels/matmul.h"

namespace kintsugi {
namespace cpu {
void matmul_ref(const Context&, const Matmul&);
void matmul_fast(const Context&, const Matmul&);
}  // namespace cpu
namespace {

const Row<Matmul> rows[] = {
    {"fast", DeviceKind::cpu, f32_only<Matmul>, cpu::matmul_fast, "packed panels, register tiles (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Matmul>, cpu::matmul_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<Matmul> batched_matmul{"matmul", "C = op(A) op(B) + bias", rows};

}  // namespace kintsugi
