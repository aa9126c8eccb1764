// Convolutions and what follows them, in one kernel where nobody wants a gradient (kernels/conv2d_epilogue.h); where somebody does, the ops one after
// the other. Shapes and options as conv2d's.
#pragma once
#include "autograd/ops/conv2d.h"

namespace kintsugi {

/// leaky_relu(conv2d(x, w, bias, options), slope).
Var conv2d_leaky_relu(const Var& x, const Var& w, const Var& bias, const Conv2dOptions& options, double slope);

/// (scale base + conv2d(x, w, bias, options)) strength + base: a spatial feature transform whose shift is the convolution. base and scale have the
/// result's shape.
Var conv2d_sft(const Var& x, const Var& w, const Var& bias, const Conv2dOptions& options, const Var& base, const Var& scale, double strength);

}  // namespace kintsugi
