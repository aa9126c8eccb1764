// Sampling images at positions that a network computes (kernels/grid_sample.h), and what registration builds from it.
// All images are NHWC; grids are [N, h, w, 2]. First derivatives only: bilinear sampling has kinks at every pixel, which a
// Replay holds where the base run found them.
#pragma once
#include "autograd/var.h"
#include "kernels/grid_sample.h"

namespace kintsugi {

/// torch.nn.functional.grid_sample: x [N,H,W,C], grid [N,h,w,2] with (x, y) in [-1, 1], to [N,h,w,C]. Gradients to both; nearest has
/// none to the grid (zeros). Throws Error when the batch sizes, dtypes or the grid's last axis disagree.
Var grid_sample(const Var& x, const Var& grid, GridSampling sampling = GridSampling::bilinear,
                GridPadding padding = GridPadding::zeros, bool align_corners = false);

/// torch.nn.functional.affine_grid: theta [N,2,3] to the grid [N,h,w,2] of the map (X, Y) -> theta (X, Y, 1). Linear in theta,
/// differentiable without end.
Var affine_grid(const Var& theta, int64_t h, int64_t w, bool align_corners = false);

/// Spatial transformer of VoxelMorph: out(y, x) = src(y + flow_0, x + flow_1), flow [N,H,W,2] in pixels of the output, rows first.
Var warp(const Var& src, const Var& flow, GridSampling sampling = GridSampling::bilinear, GridPadding padding = GridPadding::zeros);

/// Scaling and squaring (Dalca et al., 2018): the displacement exp(v) of a stationary velocity [N,H,W,2] in pixels:
/// v <- v / 2^steps, then `steps` times v <- v + warp(v, v).
Var integrate_velocity(const Var& velocity, int steps);

/// Resizes a displacement field by `factor` (align_corners) and scales its vectors alike: VoxelMorph's ResizeTransform(1/factor).
Var rescale_flow(const Var& flow, double factor);

}  // namespace kintsugi
