#include "kernels/pad2d.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void pad2d_ref(const Context&, const Pad2d&);
void pad2d_fast(const Context&, const Pad2d&);
}  // namespace cpu
KIN_GPU_FUNCTION(pad2d_naive, Pad2d);

namespace {

const Row<Pad2d> rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<Pad2d>, pad2d_naive, "one thread per element of y; the adjoint gathers"),
    {"fast", DeviceKind::cpu, takes_all<Pad2d>, cpu::pad2d_fast, "rows of pixels at once, threads over the rows of y"},
    {"ref", DeviceKind::cpu, takes_all<Pad2d>, cpu::pad2d_ref, "plain loop"},
};

}  // namespace

const Family<Pad2d> pad2d_border{"pad2d", "y[n,i,j,c] = x[n,m(i-top),m(j-left),c], or its adjoint", rows};

}  // namespace kintsugi
