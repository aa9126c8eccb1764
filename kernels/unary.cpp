#include "kernels/unary.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void unary_fwd_ref(const Context&, const UnaryFwd&);
void unary_fwd_fast(const Context&, const UnaryFwd&);
void unary_bwd_ref(const Context&, const UnaryBwd&);
void unary_bwd_fast(const Context&, const UnaryBwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(unary_fwd_naive, UnaryFwd);
KIN_GPU_FUNCTION(unary_fwd_vector, UnaryFwd);
KIN_GPU_FUNCTION(unary_bwd_naive, UnaryBwd);
KIN_GPU_FUNCTION(unary_bwd_vector, UnaryBwd);

namespace {

template <class Args>
const char* vector_math(const Args& p) {
  if (p.dtype != DType::f32) return "needs f32";
  const bool libm = p.op == UnaryOp::sin || p.op == UnaryOp::cos || p.op == UnaryOp::pow;
  return libm ? "has no vector sin, cos or pow" : nullptr;
}

const char* gpu_vectors(const UnaryFwd& p) { return aligned16(p.x, p.y) ? f32_or_bf16(p) : kNeedsAlignment; }
const char* gpu_vectors(const UnaryBwd& p) { return aligned16(p.x, p.gy, p.gx) ? f32_or_bf16(p) : kNeedsAlignment; }

const Row<UnaryFwd> fwd_rows[] = {
    KIN_GPU_ROW("vector", gpu_vectors, unary_fwd_vector, "one thread per 16 bytes"),
    KIN_GPU_ROW("naive", f32_or_bf16<UnaryFwd>, unary_fwd_naive, "one thread per element"),
    {"fast", DeviceKind::cpu, vector_math<UnaryFwd>, cpu::unary_fwd_fast, "SIMD elementary functions, threads over the elements"},
    {"ref", DeviceKind::cpu, takes_all<UnaryFwd>, cpu::unary_fwd_ref, "plain loop in f64"},
};
const Row<UnaryBwd> bwd_rows[] = {
    KIN_GPU_ROW("vector", gpu_vectors, unary_bwd_vector, "one thread per 16 bytes"),
    KIN_GPU_ROW("naive", f32_or_bf16<UnaryBwd>, unary_bwd_naive, "one thread per element"),
    {"fast", DeviceKind::cpu, vector_math<UnaryBwd>, cpu::unary_bwd_fast, "SIMD, recomputes what it needs from x"},
    {"ref", DeviceKind::cpu, takes_all<UnaryBwd>, cpu::unary_bwd_ref, "plain loop in f64"},
};

}  // namespace

const Family<UnaryFwd> unary_fwd{"unary_fwd", "y = f(x), f'(x) or f''(x)", fwd_rows};
const Family<UnaryBwd> unary_bwd{"unary_bwd", "gx = gy f'(x) or gy f''(x)", bwd_rows};

}  // namespace kintsugi
