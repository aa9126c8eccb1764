#include "kernels/cast.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void cast_ref(const Context&, const Cast&);
void cast_fast(const Context&, const Cast&);
}  // namespace cpu
KIN_GPU_FUNCTION(cast_naive, Cast);
KIN_GPU_FUNCTION(cast_vector, Cast);

namespace {

const char* between_f32_and_bf16(const Cast& c) {
  const bool fits = (c.from == DType::f32 && c.to == DType::bf16) || (c.from == DType::bf16 && c.to == DType::f32);
  return fits ? nullptr : "needs f32 to bf16 or bf16 to f32";
}
const char* gpu_vectors(const Cast& c) { return aligned16(c.x, c.y) ? between_f32_and_bf16(c) : kNeedsAlignment; }
const char* floating(const Cast& c) {
  const auto ok = [](DType t) { return t == DType::f32 || t == DType::f64 || t == DType::bf16; };
  return ok(c.from) && ok(c.to) ? nullptr : "needs f32, f64 or bf16";
}

const Row<Cast> rows[] = {
    KIN_GPU_ROW("vector", gpu_vectors, cast_vector, "eight elements per thread, 16-byte accesses"),
    KIN_GPU_ROW("naive", between_f32_and_bf16, cast_naive, "one thread per element"),
    {"fast", DeviceKind::cpu, between_f32_and_bf16, cpu::cast_fast, "threads over the elements, branches vectorised away"},
    {"ref", DeviceKind::cpu, floating, cpu::cast_ref, "plain loop"},
};

}  // namespace

const Family<Cast> cast_fwd{"cast_fwd", "y = x in another element type", rows};

}  // namespace kintsugi
