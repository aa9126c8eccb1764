// Pooling of NHWC images with PyTorch's conventions. Average pooling is linear and differentiable without end; max pooling is
// linear at fixed winners, so it is too, and a Replay holds the winners.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// Window [i*stride-pad, i*stride-pad+kernel) on both axes, output size floor((size + 2 pad - kernel) / stride) + 1.
/// Throws Error unless 0 <= pad <= kernel/2 and the padded image holds a window.
Var avg_pool(const Var& x, int64_t kernel, int64_t stride, int64_t pad = 0, bool count_include_pad = true);
/// Padding never wins. Of equal maxima the first in scan order takes the gradient.
Var max_pool(const Var& x, int64_t kernel, int64_t stride, int64_t pad = 0);

/// Output cell j of n over size N covers floor(j*N/n) .. ceil((j+1)*N/n)-1.
Var adaptive_avg_pool(const Var& x, int64_t h, int64_t w);
Var adaptive_max_pool(const Var& x, int64_t h, int64_t w);

}  // namespace kintsugi
