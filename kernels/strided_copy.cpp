#include "kernels/strided_copy.h"

namespace kintsugi {
namespace cpu {
void strided_copy_ref(const Context&, const StridedCopy&);
void strided_copy_fast(const Context&, const StridedCopy&);
}  // namespace cpu

namespace {

const Row<StridedCopy> rows[] = {
    {"fast", DeviceKind::cpu, takes_all<StridedCopy>, cpu::strided_copy_fast, "memcpy of runs, square tiles for transposes, threads"},
    {"ref", DeviceKind::cpu, takes_all<StridedCopy>, cpu::strided_copy_ref, "plain loop"},
};

}  // namespace

const Family<StridedCopy> strided_copy{"strided_copy", "dst[i . stride_dst] = src[i . stride_src]", rows};

}  // namespace kintsugi
