#pragma once
#include "kernels/matmul.h"

namespace kintsugi {

/// The same products in fewer: equal matrices of B and consecutive ones of A and C are one taller product; a sum over consecutive
/// matrices is one deeper product.
inline Matmul folded(Matmul p) {
  if (p.batch == 1) return p;
  if (p.stride_b == 0 && !p.ta && p.stride_a == p.m * p.k && p.stride_c == p.m * p.n) {
    p.m *= p.batch;
    p.batch = 1;
  } else if (p.stride_c == 0 && p.ta && !p.tb && p.stride_a == p.m * p.k && p.stride_b == p.k * p.n) {
    p.k *= p.batch;
    p.batch = 1;
  }
  return p;
}

}  // namespace kintsugi
