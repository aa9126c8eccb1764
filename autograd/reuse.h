// Elementwise ops take their operands by value. Handed the last handle of one, with std::move or as a temporary, while no graph is
// recorded, they write the result over it: inference then needs one map where it would need two.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// May the result of an op be written over x, which is the op's own by-value parameter? Only when nobody else can see it.
bool may_overwrite(const Var& x);

/// Memory for a result shaped like x: x's own where may_overwrite(x), else new.
Tensor result_like(const Var& x);

}  // namespace kintsugi
