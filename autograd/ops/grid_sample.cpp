#include "autograd/ops/grid_sample.h"

#include <cmath>

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/resize.h"
#include "autograd/replay.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

GridGeometry geometry(const Tensor& x, const Tensor& grid, GridSampling sampling, GridPadding padding, GridCoordinates coordinates,
                      const Tensor& pieces) {
  return {grid.raw(),  x.dim(0), x.dim(1),    x.dim(2),  x.dim(3), grid.dim(1), grid.dim(2), sampling, padding,
          coordinates, x.dtype(), pieces ? pieces.raw<double>() : nullptr};
}

Var sample(const char* op, const char* grid_name, const Var& x, const Var& grid, GridSampling sampling, GridPadding padding,
           GridCoordinates coordinates) {
  KIN_CHECK(x.rank() == 4 && x.dim(1) > 0 && x.dim(2) > 0, op, ": x must be [N,H,W,C] with pixels, got ", x.value());
  KIN_CHECK(grid.rank() == 4 && grid.dim(0) == x.dim(0) && grid.dim(3) == 2 && grid.dtype() == x.dtype(), op, ": ", grid_name,
            " must be [", x.dim(0), ",h,w,2] ", x.dtype(), ", got ", grid.value(), " (x: ", x.value(), ")");
  const OpScope scope(op, {{"x", x}, {grid_name, grid}});
  const Context context = context_of(x.value());
  Tensor y({x.dim(0), grid.dim(1), grid.dim(2), x.dim(3)}, x.dtype(), context.device);
  Tensor pieces;
  if (replaying()) {
    Tensor now({x.dim(0), grid.dim(1), grid.dim(2), 6}, DType::f64, context.device);
    grid_pieces(context, {geometry(x.value(), grid.value(), sampling, padding, coordinates, {}), now.raw<double>()});
    pieces = replayed(now);
  }
  grid_sample_fwd(context, {geometry(x.value(), grid.value(), sampling, padding, coordinates, pieces), x.value().raw(), y.raw()});
  return record(op, {x, grid}, y,
                [op, x = Saved(op, x), grid = Saved(op, grid), sampling, padding, coordinates, pieces](const Var& gy, const Wants& want) {
                  no_double_backward(op);
                  const Tensor &image = x.value(), &at = grid.value();
                  Tensor gx, ggrid;
                  if (want[0]) gx = Tensor(image.shape(), image.dtype(), image.device());
                  if (want[1]) ggrid = Tensor(at.shape(), at.dtype(), at.device());
                  grid_sample_bwd(context_of(image), {geometry(image, at, sampling, padding, coordinates, pieces),
                                                            gy.value().raw(), image.raw(), gx.raw(), ggrid.raw()});
                  return Vars{want[0] ? Var(gx) : Var(), want[1] ? Var(ggrid) : Var()};
                });
}

Var affine_grid_adjoint(const Var& grid, bool align_corners) {
  const int64_t h = grid.dim(1), w = grid.dim(2);
  Tensor theta({grid.dim(0), 2, 3}, grid.dtype(), grid.value().device());
  affine_grid_bwd(context_of(theta), {grid.value().raw(), theta.raw(), grid.dim(0), h, w, align_corners, grid.dtype()});
  return record("affine_grid", {grid}, theta,
                [h, w, align_corners](const Var& g, const Wants&) { return Vars{affine_grid(g, h, w, align_corners)}; });
}

}  // namespace

Var grid_sample(const Var& x, const Var& grid, GridSampling sampling, GridPadding padding, bool align_corners) {
  return sample("grid_sample", "grid", x, grid, sampling, padding, align_corners ? GridCoordinates::corners : GridCoordinates::edges);
}

Var affine_grid(const Var& theta, int64_t h, int64_t w, bool align_corners) {
  KIN_CHECK(theta.rank() == 3 && theta.dim(1) == 2 && theta.dim(2) == 3, "affine_grid: theta must be [N,2,3], got ", theta.value());
  KIN_CHECK(h > 0 && w > 0, "affine_grid: size must be positive, got ", h, " x ", w);
  Tensor grid({theta.dim(0), h, w, 2}, theta.dtype(), theta.value().device());
  affine_grid_fwd(context_of(grid), {theta.value().raw(), grid.raw(), theta.dim(0), h, w, align_corners, theta.dtype()});
  return record("affine_grid", {theta}, grid,
                [align_corners](const Var& g, const Wants&) { return Vars{affine_grid_adjoint(g, align_corners)}; });
}

Var warp(const Var& src, const Var& flow, GridSampling sampling, GridPadding padding) {
  KIN_CHECK(src.rank() == 4 && flow.rank() == 4 && flow.dim(1) == src.dim(1) && flow.dim(2) == src.dim(2),
            "warp: flow must be [N,H,W,2] of src's size, got ", flow.value(), " (src: ", src.value(), ")");
  return sample("warp", "flow", src, flow, sampling, padding, GridCoordinates::displacement);
}

Var integrate_velocity(const Var& velocity, int steps) {
  KIN_CHECK(steps >= 0 && steps < 30, "integrate_velocity: steps must be between 0 and 29, got ", steps);
  Var v = velocity * std::ldexp(1.0, -steps);
  for (int k = 0; k < steps; ++k) v = v + warp(v, v);
  return v;
}

Var rescale_flow(const Var& flow, double factor) {
  KIN_CHECK(flow.rank() == 4 && flow.dim(3) == 2, "rescale_flow: flow must be [N,H,W,2], got ", flow.value());
  KIN_CHECK(factor > 0, "rescale_flow: factor must be positive, got ", factor);
  // Either order gives the same field; scaling the smaller one is cheaper.
  return factor < 1 ? resize_by(flow, factor, ResizeMode::bilinear, true) * factor
                    : resize_by(flow * factor, factor, ResizeMode::bilinear, true);
}

}  // namespace kintsugi
