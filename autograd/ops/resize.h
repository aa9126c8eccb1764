// Resizing images, with the conventions of torch.nn.functional.interpolate (weights: kernels/resample_taps.h).
#pragma once
#include <optional>

#include "autograd/ops/resample.h"

namespace kintsugi {

/// x [N, H, W, C] to [N, h, w, C]; any float dtype, differentiable twice and more.
/// align_corners and antialias apply to bilinear and bicubic. scale_factor is what PyTorch's scale_factor does to the mapping
/// when the size was computed from it (see resize_by). Throws Error for sizes below 1 and for options a mode does not have.
Var resize(const Var& x, int64_t h, int64_t w, ResizeMode mode, bool align_corners = false, bool antialias = false,
           std::optional<double> scale_factor = {});

/// interpolate(scale_factor=f): size floor(H*f) x floor(W*f), and the mapping uses f itself, not the rounded ratio.
Var resize_by(const Var& x, double scale_factor, ResizeMode mode, bool align_corners = false, bool antialias = false);

/// Every pixel becomes a 2 x 2 block.
Var upsample_nearest2x(const Var& x);

}  // namespace kintsugi
