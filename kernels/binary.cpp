#include "kernels/binary.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void binary_ref(const Context&, const Binary&);
void binary_fast(const Context&, const Binary&);
}  // namespace cpu
KIN_GPU_FUNCTION(binary_naive, Binary);
KIN_GPU_FUNCTION(binary_vector, Binary);

namespace {

const char* vector_rows(const Binary& p) {
  if (p.dtype != DType::f32) return "needs f32";
  const int last = p.walk.rank - 1;
  const auto plain = [](int64_t stride) { return stride == 0 || stride == 1; };
  return plain(p.walk.a[last]) && plain(p.walk.b[last]) ? nullptr : "needs stride 0 or 1 on the last axis";
}

// 16 bytes of the last axis are read whole: it and every stride that moves an operand along it are multiples of the vector.
const char* gpu_vectors(const Binary& p) {
  if (const char* why = f32_or_bf16(p)) return why;
  if (!aligned16(p.a, p.b, p.y)) return kNeedsAlignment;
  const int64_t width = p.dtype == DType::f32 ? 4 : 8;
  const int last = p.walk.rank - 1;
  if (p.walk.dims[last] % width != 0) return "needs a last axis of whole 16-byte vectors";
  const auto whole = [&](const int64_t* stride) {
    if (stride[last] != 0 && stride[last] != 1) return false;
    for (int d = 0; d < last; ++d)
      if (stride[last] == 1 && stride[d] % width != 0) return false;
    return true;
  };
  return whole(p.walk.a) && whole(p.walk.b) ? nullptr : "needs strides of whole 16-byte vectors";
}

const Row<Binary> rows[] = {
    KIN_GPU_ROW("vector", gpu_vectors, binary_vector, "one thread per 16 bytes of the last axis"),
    KIN_GPU_ROW("naive", f32_or_bf16<Binary>, binary_naive, "one thread per element"),
    {"fast", DeviceKind::cpu, vector_rows, cpu::binary_fast, "SIMD along the last axis after joining axes, threads over the output"},
    {"ref", DeviceKind::cpu, takes_all<Binary>, cpu::binary_ref, "plain loop"},
};

}  // namespace

const Family<Binary> binary{"binary", "y = a (op) b, broadcast", rows};

}  // namespace kintsugi
