// The few numbers of a training step. Floor: a launch each; equal_share reads two indices a token.
#include "kernels/step_numbers_math.h"

#include "kernels/gpu/column_sums.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// Unrolled, so that no thread indexes the arguments: that would put them on a stack.
__global__ void __launch_bounds__(32) gather(GatherNumbers a) {
#pragma unroll
  for (int k = 0; k < GatherNumbers::kMost; ++k)
    if (int(threadIdx.x) == k && k < a.count)
      a.out[k] = a.types[k] == DType::f32 ? double(*static_cast<const float*>(a.from[k])) : *static_cast<const double*>(a.from[k]);
}

struct Equal {
  const int64_t *a, *b;
  __device__ double operator()(int64_t, int64_t i, int64_t) const { return a[i] == b[i] ? 1 : 0; }
};
struct Share {
  double* to;
  double n;
  __device__ void operator()(int64_t, double sum) const { *to = sum / n; }
};

__global__ void adaptive_weight_naive(AdaptiveWeightOf a) { weigh(a); }

// The sum is taken in the order of the parameters, one after the other: out of shared memory, or each addition would wait for a read.
__global__ void __launch_bounds__(kThreads) judge_in_order(JudgeStep a) {
  KIN_SHARED(double, squares, [kThreads]);
  double sum = 0;
  for (int64_t begin = 0; begin < a.count; begin += kThreads) {
    const int64_t left = a.count - begin;
    const int n = int(left < kThreads ? left : kThreads);
    if (int(threadIdx.x) < n) squares[threadIdx.x] = a.squares[begin + threadIdx.x];
    __syncthreads();
    if (threadIdx.x == 0)
      for (int i = 0; i < n; ++i) sum += squares[i];
    __syncthreads();
  }
  if (threadIdx.x == 0) judge(a, sum);
}

}  // namespace

void gather_numbers_threads(const Context& context, const GatherNumbers& a) { launch({1, 32, 0, context.stream}, gather, a); }

void equal_share_pieces(const Context& context, const EqualShare& a) {
  column_sums(context, 1, a.n, 1, Equal{a.a, a.b}, Share{a.out, double(a.n)});
}

void adaptive_weight_of_naive(const Context& context, const AdaptiveWeightOf& a) { launch({1, 1, 0, context.stream}, adaptive_weight_naive, a); }

void judge_step_block(const Context& context, const JudgeStep& a) { launch({1, kThreads, 0, context.stream}, judge_in_order, a); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
