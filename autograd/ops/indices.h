// Checks shared by the ops that take class or code numbers.
#pragma once
#include "tensor/tensor.h"

namespace kintsugi {

/// Throws unless `indices` is i64 and, where it can be read here, every element is in [0, limit).
inline void check_indices(const char* op, const char* argument, const Tensor& indices, int64_t limit) {
  KIN_CHECK(indices.dtype() == DType::i64, op, ": ", argument, " must be i64, got ", indices);
  if (indices.device().kind != DeviceKind::cpu) return;
  for (int64_t v : indices.span<int64_t>())
    KIN_CHECK(v >= 0 && v < limit, op, ": ", argument, " must lie in [0, ", limit, "), got ", v);
}

}  // namespace kintsugi
