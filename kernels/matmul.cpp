#include "kernels/matmul.h"

#include "kernels/matmul_refusals.h"

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
KIN_GPU_FUNCTION(matmul_naive, Matmul);
KIN_GPU_FUNCTION(matmul_tile, Matmul);
KIN_GPU_FUNCTION(matmul_register, Matmul);
KIN_GPU_FUNCTION(matmul_pipelined, Matmul);
KIN_GPU_FUNCTION(matmul_mma, Matmul);
KIN_GPU_FUNCTION(matmul_wgmma, Matmul);
KIN_GPU_FUNCTION(matmul_cluster, Matmul);
KIN_GPU_FUNCTION(matmul_tf32, Matmul);
namespace {

const Row<Matmul> rows[] = {
    KIN_GPU_ROW("wgmma", matmul_needs_wgmma, matmul_wgmma, "bf16 tensor cores by warpgroup (wgmma) fed by TMA, persistent"),
    KIN_GPU_ROW("cluster", matmul_needs_wgmma, matmul_cluster, "the same in tiles of 256 x 128 or their like, B loaded once for two blocks"),
    KIN_GPU_ROW("mma", matmul_needs_bf16_lines, matmul_mma, "bf16 tensor cores by warp (mma.sync), cp.async stages"),
    KIN_GPU_ROW("pipelined", matmul_needs_large_tiles, matmul_pipelined, "8 x 8 outputs per thread, cp.async in four stages"),
    KIN_GPU_ROW("register", matmul_needs_large_tiles, matmul_register, "8 x 8 outputs per thread, 16-byte loads"),
    KIN_GPU_ROW("tile", matmul_needs_tiles, matmul_tile, "16 x 16 tiles in shared memory"),
    KIN_GPU_ROW("naive", f32_or_bf16<Matmul>, matmul_naive, "one thread per output"),
    KIN_GPU_ROW("tf32", matmul_needs_large_tiles, matmul_tf32, "tensor cores on f32 rounded to 10 bits: only by name"),
#ifdef KIN_CUBLAS
    {"cublas", DeviceKind::cuda, vendor::cublas_refuses, vendor::matmul_cublas, "NVIDIA cuBLAS, without TF32"},
#endif
    {"fast", DeviceKind::cpu, f32_only<Matmul>, cpu::matmul_fast, "packed panels, register tiles (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Matmul>, cpu::matmul_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<Matmul> batched_matmul{"matmul", "C = op(A) op(B) + bias", rows};

}  // namespace kintsugi
