// The spatial transformer of CodeFormer++ at 512x512: an image pulled by a deformation field, and affine grids.
#include "kernels/grid_sample.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

double cells(const GridGeometry& g) { return double(g.n * g.out_h * g.out_w); }
double source(const GridGeometry& g) { return double(g.n * g.h * g.w * g.c); }

// Per cell 8 for positions and weights, per channel four multiply-adds.
Cost forward_cost(const GridSampleFwd& a) {
  return {cells(a) * (8 + 8.0 * double(a.c)), bytes_of(a.dtype, source(a) + cells(a) * double(2 + a.c))};
}
Cost backward_cost(const GridSampleBwd& a) {
  return {cells(a) * (16 + 20.0 * double(a.c)), bytes_of(a.dtype, 2 * source(a) + cells(a) * double(4 + a.c))};
}
Cost pieces_cost(const GridPieces& a) { return {cells(a) * 8, cells(a) * (2 * 4 + 6 * 8)}; }
Cost affine_cost(const AffineGrid& a) { return {8 * double(a.n * a.h * a.w), bytes_of(a.dtype, double(2 * a.n * a.h * a.w + 6 * a.n))}; }

/// A field of displacements of a few pixels.
GridGeometry field(Arrays& x, int64_t size, int64_t channels) {
  return {x.normal(size * size * 2, 0, 3), 1, size, size, channels, size, size, GridSampling::bilinear, GridPadding::zeros, GridCoordinates::displacement, x.dtype()};
}
auto forward(int64_t size, int64_t channels) {
  return [=](Arrays& x) {
    GridSampleFwd a{field(x, size, channels), nullptr, nullptr};
    a.x = x.normal(size * size * channels), a.y = x.out(size * size * channels);
    return a;
  };
}
auto backward(int64_t size, int64_t channels) {
  return [=](Arrays& x) {
    GridSampleBwd a{field(x, size, channels), nullptr, nullptr, nullptr, nullptr};
    const int64_t count = size * size * channels;
    a.gy = x.normal(count), a.x = x.normal(count), a.gx = x.out(count), a.ggrid = x.out(size * size * 2);
    return a;
  };
}
auto pieces(int64_t size) {
  return [=](Arrays& x) {
    GridPieces a{field(x, size, 3), nullptr};
    a.out = x.out<double>(size * size * 6);
    return a;
  };
}
auto affine(int64_t n, int64_t size, bool adjoint) {
  return [=](Arrays& x) {
    const int64_t small = n * 6, large = n * size * size * 2;
    return AffineGrid{x.normal(adjoint ? large : small), x.out(adjoint ? small : large), n, size, size, false, x.dtype()};
  };
}

const BenchRegistration fwd(grid_sample_fwd, forward_cost,
                           {{"3 @512", forward(512, 3), emulated(forward(64, 3))},
                            {"64 @256", forward(256, 64), emulated(forward(16, 64))}});
const BenchRegistration bwd(grid_sample_bwd, backward_cost,
                           {{"3 @512", backward(512, 3), emulated(backward(32, 3))},
                            {"64 @256", backward(256, 64), emulated(backward(12, 64))}});
const BenchRegistration held(grid_pieces, pieces_cost, {{"@512", pieces(512)}});
const BenchRegistration affine_fwd(affine_grid_fwd, affine_cost, {{"@512", affine(1, 512, false), emulated(affine(1, 96, false))}});
const BenchRegistration affine_bwd(affine_grid_bwd, affine_cost, {{"@512", affine(1, 512, true), emulated(affine(1, 96, true))}});

}  // namespace
}  // namespace kintsugi::bench
