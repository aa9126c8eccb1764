// Rows of a table by number, and the adjoint: a family closed under differentiation.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// table [K, D], indices [...] (i64, each in [0, K)) to [..., D].
Var embedding(const Var& table, const Tensor& indices);
/// gy [..., D], indices [...] to [entries, D]: row k is the sum of the rows of gy whose index is k.
Var embedding_adjoint(const Var& gy, const Tensor& indices, int64_t entries);

}  // namespace kintsugi
