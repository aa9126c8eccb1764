// Matrix products: C_i (+)= op(A_i) op(B_i) + bias for i < batch, with op(X) = X or X^T.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct Matmul {
  const void* a;     // A_i is [m, k], or [k, m] when ta
  const void* b;     // B_i is [k, n], or [n, k] when tb
  void* c;           // C_i is [m, n]
  const void* bias;  // [n], added to every row of C; or null
  int64_t batch = 1, m = 0, n = 0, k = 0;
  bool ta = false, tb = false;
  // Elements from one matrix to the next. 0: the same matrix every time, which for C means the sum over the batch.
  int64_t stride_a = 0, stride_b = 0, stride_c = 0;
  bool accumulate = false;  // C += instead of C =
  DType dtype = DType::f32;
};

extern const Family<Matmul> batched_matmul;  // listed as "matmul"

}  // namespace kintsugi
