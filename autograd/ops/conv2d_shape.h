// What the ops that convolve check alike.
#pragma once
#include "autograd/ops/conv2d.h"
#include "kernels/conv2d.h"

namespace kintsugi {

/// The shape of conv2d(x, w, bias, options). Throws Error naming `op` where the operands or the options do not fit.
ConvShape conv2d_shape(const char* op, const Var& x, const Var& w, const Var& bias, const Conv2dOptions& options);

}  // namespace kintsugi
