// Moving elements without changing them. All ops keep the dtype (any), are linear and differentiable without end.
// Axes count from 0; -1 is the last. Errors name the op and the argument.
#pragma once
#include <initializer_list>
#include <span>
#include <vector>

#include "autograd/var.h"

namespace kintsugi {

/// The same elements in row-major order under another shape with as many. No copy.
Var reshape(const Var& x, const Shape& shape);

/// y's axis i is x's axis order[i].
Var permute(const Var& x, const std::vector<int>& order);

/// NumPy broadcasting to `shape`: missing leading axes are added, axes of length 1 repeated. Adjoint: sum_to (reduce.h).
Var expand(const Var& x, const Shape& shape);

/// The shape both broadcast to; throws Error naming `op` where an axis has two lengths and neither is 1.
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b);

/// The box of `size` that starts at `begin`, one number per axis.
Var slice(const Var& x, const std::vector<int64_t>& begin, const Shape& size);
/// Adjoint of slice: a tensor of `shape` filled with `value`, with x at `begin`.
Var embed(const Var& x, const std::vector<int64_t>& begin, const Shape& shape, double value = 0);
/// Elements [begin, begin + length) of one axis.
Var narrow(const Var& x, int axis, int64_t begin, int64_t length);

/// Joined along an axis; the other axes agree. At most 64 parts, at least one.
Var concat(std::span<const Var> parts, int axis);
Var concat(std::initializer_list<Var> parts, int axis);
/// Equal shapes under a new axis of length parts.size(), by default in front.
Var stack(std::span<const Var> parts, int axis = 0);
Var stack(std::initializer_list<Var> parts, int axis = 0);

/// x [N,H,W,C] -> [N, height, width, C], the box whose upper left corner is (top, left).
Var crop(const Var& x, int64_t top, int64_t left, int64_t height, int64_t width);

/// [N, H, W, C r^2] -> [N, H r, W r, C], with PyTorch's order of channels: input channel c r^2 + i r + j goes to row i,
/// column j of each r x r cell of output channel c. (Shi et al., "Real-time single image and video super-resolution ...", 2016.)
Var pixel_shuffle(const Var& x, int r);
/// The inverse: [N, H r, W r, C] -> [N, H, W, C r^2].
Var pixel_unshuffle(const Var& x, int r);

}  // namespace kintsugi
