// Rungs 4 and 5 of matmul: cp.async stages; mma.sync on bf16, and on f32 rounded to tf32. docs/ladder.md has the climb.
#include "kernels/gpu/gemm_mma.h"
#include "kernels/gpu/gemm_pipelined.h"
#include "kernels/gpu/matmul_problem.h"
#include "kernels/matmul_refusals.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

void matmul_pipelined(const Context& context, const Matmul& p) {
  visit_matmul<float>(p, [&](const auto& problem) {
    if (matmul_lines_of(p, 4)) launch_pipelined<4>(context, problem);
    else launch_pipelined<1>(context, problem);
  });
}

void matmul_mma(const Context& context, const Matmul& p) {
  visit_matmul<bf16>(p, [&](const auto& problem) { launch_mma<8>(context, problem); });
}

void matmul_tf32(const Context& context, const Matmul& p) {
  visit_matmul<float>(p, [&](const auto& problem) {
    if (matmul_lines_of(p, 4)) launch_mma<4>(context, problem);
    else launch_mma<1>(context, problem);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
