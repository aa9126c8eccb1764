#pragma once
#include <memory>

#include "autograd/var.h"

namespace kintsugi {

class Communicator;

/// Sum of x (f32 or f64) over all ranks. Its gradient is the sum of theirs: what is minimised is the sum of all ranks' losses. Every rank must
/// call it, and walk it back, in the same order as the others. Differentiable without end.
Var all_reduce(const Var& x, const std::shared_ptr<Communicator>& across);

}  // namespace kintsugi
