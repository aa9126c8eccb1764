#include "autograd/ops/pad2d.h"

#include <algorithm>

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/shape.h"
#include "kernels/pad2d.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

// The kernel without pointers: which border, which image, which pads, and which way.
Var run(Pad2d p, const Var& x) {
  const OpScope scope("pad2d", {{"x", x}});
  const Shape inside{p.n, p.h, p.w, p.c}, padded{p.n, p.h + p.top + p.bottom, p.w + p.left + p.right, p.c};
  Tensor y(p.adjoint ? inside : padded, x.dtype(), x.value().device());
  Pad2d call = p;
  call.x = x.value().raw();
  call.y = y.raw();
  pad2d_border(context_of(y), call);
  return record("pad2d", {x}, y, [p](const Var& gy, const Wants&) {
    Pad2d back = p;
    back.adjoint = !p.adjoint;
    return Vars{run(back, gy)};
  });
}

}  // namespace

Var pad2d(const Var& x, int64_t top, int64_t bottom, int64_t left, int64_t right, PadMode mode, double value) {
  KIN_CHECK(x.rank() == 4, "pad2d: x must be [N,H,W,C], got ", x.shape());
  KIN_CHECK(top >= 0 && bottom >= 0 && left >= 0 && right >= 0, "pad2d: pads must not be negative, got top ", top, " bottom ", bottom,
            " left ", left, " right ", right);
  const int64_t h = x.dim(1), w = x.dim(2);
  if (top + bottom + left + right == 0) return x;
  if (mode == PadMode::constant)
    return embed(x, {0, top, left, 0}, {x.dim(0), h + top + bottom, w + left + right, x.dim(3)}, value);
  KIN_CHECK(mode == PadMode::replicate ? h > 0 && w > 0 : std::max(top, bottom) < h && std::max(left, right) < w,
            "pad2d: pads must be smaller than the image, got top ", top, " bottom ", bottom, " left ", left, " right ", right, " for x ", x.shape());
  Pad2d p;
  p.border = mode == PadMode::reflect ? Border::reflect : Border::replicate;
  p.dtype = x.dtype();
  p.n = x.dim(0), p.h = h, p.w = w, p.c = x.dim(3);
  p.top = top, p.bottom = bottom, p.left = left, p.right = right;
  return run(p, x);
}

}  // namespace kintsugi
