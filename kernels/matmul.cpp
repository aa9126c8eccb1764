#include "kernels/matmul.h"

namespace kintsugi {
namespace cpu {
void matmul_ref(const Context&, const Matmul&);
void matmul_fast(const Context&, const Matmul&);
}  // namespace cpu
#ifdef KIN_CUBLAS
namespace vendor {
const char* cublas_refuses(const Matmul&);
void matmul_cublas(const Context&, const Matmul&);
}  // namespace vendor
#endif
namespace {

const Row<Matmul> rows[] = {
#ifdef KIN_CUBLAS
    {"cublas", DeviceKind::cuda, vendor::cublas_refuses, vendor::matmul_cublas, "NVIDIA cuBLAS, without TF32; no bias"},
#endif
    {"fast", DeviceKind::cpu, f32_only<Matmul>, cpu::matmul_fast, "packed panels, register tiles (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Matmul>, cpu::matmul_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<Matmul> batched_matmul{"matmul", "C = op(A) op(B) + bias", rows};

}  // namespace kintsugi
