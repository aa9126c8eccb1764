#include "kernels/strided_copy.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void strided_copy_ref(const Context&, const StridedCopy&);
void strided_copy_fast(const Context&, const StridedCopy&);
}  // namespace cpu
KIN_GPU_FUNCTION(strided_copy_naive, StridedCopy);
KIN_GPU_FUNCTION(strided_copy_vector, StridedCopy);
KIN_GPU_FUNCTION(strided_copy_tile, StridedCopy);

namespace {

const char* gpu_vectors(const StridedCopy& p) {
  const PairWalk& w = p.walk;
  const int last = w.rank - 1;
  const int64_t width = 16 / int64_t(size_of(p.dtype));
  if (!aligned16(p.dst, p.src)) return kNeedsAlignment;
  if (w.a[last] != 1 || w.b[last] != 1) return "needs stride 1 on the last axis";
  bool whole = w.dims[last] % width == 0;
  for (int d = 0; d < last; ++d) whole &= w.a[d] % width == 0 && w.b[d] % width == 0;
  return whole ? nullptr : "needs runs and strides of whole 16-byte vectors";
}
const char* gpu_transpose(const StridedCopy& p) {
  const int last = p.walk.rank - 1;
  if (p.walk.a[last] != 1 || p.walk.b[last] <= 1) return "is for transposes";
  for (int d = 0; d < last; ++d)
    if (p.walk.b[d] == 1) return nullptr;
  return "needs an axis that src walks with stride 1";
}

const Row<StridedCopy> rows[] = {
    KIN_GPU_ROW("vector", gpu_vectors, strided_copy_vector, "16 bytes of the last axis per thread"),
    KIN_GPU_ROW("tile", gpu_transpose, strided_copy_tile, "transposes through tiles of shared memory"),
    KIN_GPU_ROW("naive", takes_all<StridedCopy>, strided_copy_naive, "one thread per element"),
    {"fast", DeviceKind::cpu, takes_all<StridedCopy>, cpu::strided_copy_fast, "memcpy of runs, square tiles for transposes, threads"},
    {"ref", DeviceKind::cpu, takes_all<StridedCopy>, cpu::strided_copy_ref, "plain loop"},
};

}  // namespace

const Family<StridedCopy> strided_copy{"strided_copy", "dst[i . stride_dst] = src[i . stride_src]", rows};

}  // namespace kintsugi
