// Sums, means and maxima over axes. x is f32 or f64; f32 sums are carried in f64 between short blocks, so a large mean costs no digits.
// Axes count from 0, -1 is the last, each at most once; keepdims leaves reduced axes with length 1.
#pragma once
#include <vector>

#include "autograd/var.h"

namespace kintsugi {

/// Over all axes, to a scalar of shape [].
Var sum(const Var& x);
Var sum(const Var& x, const std::vector<int>& axes, bool keepdims = false);
Var mean(const Var& x);
Var mean(const Var& x, const std::vector<int>& axes, bool keepdims = false);

/// Adjoint of expand (shape.h): sums the axes that broadcasting `shape` to x.shape() would add or repeat.
Var sum_to(const Var& x, const Shape& shape);

/// The largest element. Its gradient goes to the first element that has it (in row-major order of the reduced axes). NaN wins.
Var max(const Var& x);
Var max(const Var& x, const std::vector<int>& axes, bool keepdims = false);

/// Index of the first largest element along one axis, which disappears: an i64 tensor. Has no gradient. Under a Replay the
/// recorded index.
Tensor argmax(const Var& x, int axis);

/// x[..., index, ...]: one element per line along `axis`; index has x's shape without that axis. Linear in x.
Var pick(const Var& x, const Tensor& index, int axis);
/// Adjoint of pick: zeros with a new axis of length `length`, and x at `index`.
Var place(const Var& x, const Tensor& index, int axis, int64_t length);

}  // namespace kintsugi
