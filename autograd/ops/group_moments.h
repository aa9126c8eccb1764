// Moments of groups of channels, for inference: convolutions that know which norm comes next leave those of their result with it, so that
// the norm need not read the map for them (kernels/group_moments.h).
#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// Mean and biased variance over the axes between N and C and the C / groups channels of each group: x [N,...,C], on a GPU f32 or bf16,
/// else f32 or f64 -> [N,groups,2] f64. What was left with x, or one pass over it. A constant: no gradient reaches x.
/// Throws Error when groups does not divide C.
Tensor moments_of(const Var& x, int groups);

/// What was left with x for so many groups, or nothing.
Tensor known_moments(const Var& x, int64_t groups);

/// For the op that made x: these are its moments. They count until x is changed in place.
void leave_moments(const Var& x, Tensor moments);

}  // namespace kintsugi
