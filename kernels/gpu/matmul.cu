// The rungs of matmul on the fp32 units; docs/ladder.md has the climb.
#include "kernels/matmul.h"

#include "kernels/gpu/gemm_register.h"
#include "kernels/gpu/gemm_tile.h"
#include "kernels/gpu/matmul_problem.h"
#include "kernels/matmul_refusals.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// Rung 1, "naive": one thread per output.
//
// FLOPs 2 m n k. Bytes: every output reads 2 k elements, 2 m n k in all; without reuse that is one FLOP per element. Prediction: limited by the L1
// cache, which serves what neighbouring threads share (the element of A, and neighbouring elements of B): a warp needs two reads for
// 32 multiply-adds, more when B is transposed and the 32 threads read 32 lines. The next rung reads every element once per
// tile, with neighbours always next to each other. Measured: not run on a GPU.
template <class T>
__global__ void __launch_bounds__(kThreads) matmul_per_output(Matmul p) {
  const int64_t at = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  const bool sum_batch = p.stride_c == 0;
  if (at >= (sum_batch ? 1 : p.batch) * p.m * p.n) return;
  const int64_t j = at % p.n, i = at / p.n % p.m, first = at / p.n / p.m;
  const int64_t last = sum_batch ? p.batch : first + 1;
  const int64_t a_row = p.ta ? 1 : p.k, a_depth = p.ta ? p.m : 1, b_column = p.tb ? p.k : 1, b_depth = p.tb ? 1 : p.n;
  float sum = 0;
  for (int64_t batch = first; batch < last; ++batch) {
    const T* a = static_cast<const T*>(p.a) + batch * p.stride_a + i * a_row;
    const T* b = static_cast<const T*>(p.b) + batch * p.stride_b + j * b_column;
    for (int64_t k = 0; k < p.k; ++k) sum += float(a[k * a_depth]) * float(b[k * b_depth]);
  }
  if (p.bias) sum += float(static_cast<const T*>(p.bias)[j]);
  T& c = static_cast<T*>(p.c)[first * p.stride_c + i * p.n + j];
  if (p.accumulate) sum += float(c);
  c = T(sum);
}

}  // namespace

void matmul_naive(const Context& context, const Matmul& p) {
  visit_f32_or_bf16(p.dtype, "matmul", [&]<class T>() {
    const int64_t outputs = (p.stride_c == 0 ? 1 : p.batch) * p.m * p.n;
    launch({blocks_for(outputs, kThreads), kThreads, 0, context.stream}, matmul_per_output<T>, p);
  });
}

void matmul_tile(const Context& context, const Matmul& p) {
  visit_f32_or_bf16(p.dtype, "matmul", [&]<class T>() { visit_matmul<T>(p, [&](const auto& problem) { launch_tile(context, problem); }); });
}

void matmul_register(const Context& context, const Matmul& p) {
  visit_matmul<float>(p, [&](const auto& problem) {
    if (matmul_lines_of(p, 4)) launch_register<4>(context, problem);
    else launch_register<1>(context, problem);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
