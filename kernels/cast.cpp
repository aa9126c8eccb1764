#include "kernels/cast.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
KIN_GPU_FUNCTION(cast_naive, Cast);
KIN_GPU_FUNCTION(cast_vector, Cast);

namespace {

const char* between_f32_and_bf16(const Cast& c) {
  const bool fits = (c.from == DType::f32 && c.to == DType::bf16) || (c.from == DType::bf16 && c.to == DType::f32);
  return fits ? nullptr : "needs f32 to bf16 or bf16 to f32";
}
const char* gpu_vectors(const Cast& c) { return aligned16(c.x, c.y) ? between_f32_and_bf16(c) : kNeedsAlignment; }
const char* all_but_f16(const Cast& c) { return c.from == DType::f16 || c.to == DType::f16 ? "f16 is for reading files only" : nullptr; }

const Row<Cast> rows[] = {
    KIN_GPU_ROW("vector", gpu_vectors, cast_vector, "eight elements per thread, 16-byte accesses"),
    KIN_GPU_ROW("naive", between_f32_and_bf16, cast_naive, "one thread per element"),
    {"ref", DeviceKind::cpu, all_but_f16, cpu::cast_ref, "threads over the elements"},
};

}  // namespace

const Family<Cast> cast_fwd{"cast_fwd", "y = x in another element type", rows};

}  // namespace kintsugi
