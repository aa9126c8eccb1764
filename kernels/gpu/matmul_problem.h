// Matmul's arguments as an implicit product.
#pragma once
#include "kernels/gpu/gemm_operands.h"
#include "kernels/matmul_folded.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// kInnerA, kInnerB: whether the sum runs along the operand's lines in memory, which is so for A as it is and for B transposed.
template <class T, bool kInnerA, bool kInnerB>
Product<MatrixOperand<T, kInnerA>, MatrixOperand<T, kInnerB>, MatrixResult<T>> matmul_problem(const Matmul& p) {
  const bool sum = p.stride_c == 0 && p.batch > 1;
  MatrixOperand<T, kInnerA> a;
  a.data = static_cast<const T*>(p.a);
  a.pitch = p.ta ? p.m : p.k;
  a.rows = int(p.m);
  MatrixOperand<T, kInnerB> b;
  b.data = static_cast<const T*>(p.b);
  b.pitch = p.tb ? p.k : p.n;
  b.rows = int(p.n);
  a.depths = b.depths = int(sum ? p.batch * p.k : p.k);
  a.matrix_depth = b.matrix_depth = FastDivisor(p.k > 0 ? p.k : 1);
  (sum ? a.matrix_step : a.batch_step) = p.stride_a;
  (sum ? b.matrix_step : b.batch_step) = p.stride_b;
  MatrixResult<T> c;
  c.data = static_cast<T*>(p.c);
  c.bias = static_cast<const T*>(p.bias);
  c.pitch = p.n;
  c.batch_step = p.stride_c;
  c.accumulate = p.accumulate;
  c.allow_pairs();
  const int depth = a.depths;
  return {a, b, c, int(p.m), int(p.n), depth, int(sum ? 1 : p.batch), 1, (depth + kSplitUnit - 1) / kSplitUnit * kSplitUnit};
}

/// Calls f(problem) with the problem in the type that its transposes ask for.
template <class T, class F>
void visit_matmul(const Matmul& args, F&& f) {
  const Matmul p = folded(args);
  if (p.ta) p.tb ? f(matmul_problem<T, false, true>(p)) : f(matmul_problem<T, false, false>(p));
  else p.tb ? f(matmul_problem<T, true, true>(p)) : f(matmul_problem<T, true, false>(p));
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
