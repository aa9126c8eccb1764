#include "kernels/binary.h"

namespace kintsugi {
namespace cpu {
void binary_ref(const Context&, const Binary&);
void binary_fast(const Context&, const Binary&);
}  // namespace cpu

namespace {

const char* vector_rows(const Binary& p) {
  if (p.dtype != DType::f32) return "needs f32";
  const int last = p.walk.rank - 1;
  const auto plain = [](int64_t stride) { return stride == 0 || stride == 1; };
  return plain(p.walk.a[last]) && plain(p.walk.b[last]) ? nullptr : "needs stride 0 or 1 on the last axis";
}

const Row<Binary> rows[] = {
    {"fast", DeviceKind::cpu, vector_rows, cpu::binary_fast, "SIMD along the last axis after joining axes, threads over the output"},
    {"ref", DeviceKind::cpu, takes_all<Binary>, cpu::binary_ref, "plain loop"},
};

}  // namespace

const Family<Binary> binary{"binary", "y = a (op) b, broadcast", rows};

}  // namespace kintsugi
