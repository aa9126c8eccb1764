#include "kernels/grid_sample.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void grid_sample_fwd_ref(const Context&, const GridSampleFwd&);
void grid_sample_fwd_fast(const Context&, const GridSampleFwd&);
void grid_sample_bwd_ref(const Context&, const GridSampleBwd&);
void grid_sample_bwd_fast(const Context&, const GridSampleBwd&);
void grid_pieces_ref(const Context&, const GridPieces&);
void affine_grid_fwd_ref(const Context&, const AffineGrid&);
void affine_grid_bwd_ref(const Context&, const AffineGrid&);
}  // namespace cpu
KIN_GPU_FUNCTION(grid_sample_fwd_naive, GridSampleFwd);
KIN_GPU_FUNCTION(grid_sample_bwd_naive, GridSampleBwd);
KIN_GPU_FUNCTION(grid_sample_bwd_fixed, GridSampleBwd);
KIN_GPU_FUNCTION(grid_pieces_naive, GridPieces);
KIN_GPU_FUNCTION(affine_grid_fwd_naive, AffineGrid);
KIN_GPU_FUNCTION(affine_grid_bwd_pieces, AffineGrid);
namespace {
const Row<GridSampleFwd> fwd_rows[] = {
    KIN_GPU_ROW("naive", f32_only<GridSampleFwd>, grid_sample_fwd_naive, "one thread per element of y"),
    {"fast", DeviceKind::cpu, f32_only<GridSampleFwd>, cpu::grid_sample_fwd_fast, "output rows in parallel, positions in f64"},
    {"ref", DeviceKind::cpu, takes_all<GridSampleFwd>, cpu::grid_sample_fwd_ref, "plain loops"},
};
const Row<GridSampleBwd> bwd_rows[] = {
    KIN_GPU_ROW("fixed", f32_only<GridSampleBwd>, grid_sample_bwd_fixed, "64-bit fixed-point atomics: addition commutes, so the bits are the same every time"),
    KIN_GPU_ROW("naive", f32_only<GridSampleBwd>, grid_sample_bwd_naive, "one thread per element of gx looks at every cell"),
    {"fast", DeviceKind::cpu, f32_only<GridSampleBwd>, cpu::grid_sample_bwd_fast,
     "bands of image rows have one owner each, who skips output rows that miss the band; no atomics"},
    {"ref", DeviceKind::cpu, takes_all<GridSampleBwd>, cpu::grid_sample_bwd_ref, "plain loops, f64 accumulation"},
};
const char* f32_or_f64(const GridPieces& a) { return a.dtype == DType::f32 || a.dtype == DType::f64 ? nullptr : "needs f32 or f64"; }
const Row<GridPieces> pieces_rows[] = {
    KIN_GPU_ROW("naive", f32_or_f64, grid_pieces_naive, "one thread per cell"),
    {"ref", DeviceKind::cpu, takes_all<GridPieces>, cpu::grid_pieces_ref, "for finite differences only"},
};
const Row<AffineGrid> affine_fwd_rows[] = {
    KIN_GPU_ROW("naive", f32_only<AffineGrid>, affine_grid_fwd_naive, "one thread per number"),
    {"ref", DeviceKind::cpu, takes_all<AffineGrid>, cpu::affine_grid_fwd_ref, "plain loops"},
};
const Row<AffineGrid> affine_bwd_rows[] = {
    KIN_GPU_ROW("pieces", f32_only<AffineGrid>, affine_grid_bwd_pieces, "sums in pieces, added in order, in f64"),
    {"ref", DeviceKind::cpu, takes_all<AffineGrid>, cpu::affine_grid_bwd_ref, "plain loops, f64 accumulation"},
};
}  // namespace
const Family<GridSampleFwd> grid_sample_fwd{"grid_sample_fwd", "y[i,j] = interpolate(x, position(grid[i,j]))", fwd_rows};
const Family<GridSampleBwd> grid_sample_bwd{
    "grid_sample_bwd", "gx[q] = sum_ij w_q(p) gy[i,j], ggrid[i,j] = dp/dgrid sum_q dw_q/dp <x[q], gy[i,j]>", bwd_rows};
const Family<GridPieces> grid_pieces{"grid_pieces", "first = floor(p), slope and offset of p = slope grid + offset", pieces_rows};
const Family<AffineGrid> affine_grid_fwd{"affine_grid_fwd", "grid[i,j] = theta (X_j, Y_i, 1)", affine_fwd_rows};
const Family<AffineGrid> affine_grid_bwd{"affine_grid_bwd", "gtheta = sum_ij ggrid[i,j] (X_j, Y_i, 1)^T", affine_bwd_rows};
}  // namespace kintsugi
