// The products that other libraries' rows take.
#pragma once
#include <string>

#include "kernels/matmul.h"

namespace kintsugi::bench {

/// One matrix product C = op(A) op(B): what every BLAS calls gemm. Batches, sums over a batch and biases are ours.
inline std::string refuses_gemm(const Matmul& a) {
  if (a.dtype != DType::f32) return "needs f32";
  if (a.batch != 1) return "takes one product, not a batch";
  return a.bias || a.accumulate ? "takes neither bias nor accumulation" : "";
}

}  // namespace kintsugi::bench
