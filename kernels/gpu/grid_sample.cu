// Sampling at arbitrary positions. Positions are computed in f64, so that every row takes the same side of a pixel border. Floor of the forward:
// grid and y once, x once (31 us for 16 images of 3 x 512 x 512 in f32).
#include "kernels/grid_sample.h"

#include "kernels/gpu/column_sums.h"
#include "kernels/grid_position.h"
#include "kernels/simt/reduce.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// Calls use(pixel, weight) for each tap inside the image.
template <class Use>
__device__ __forceinline__ void each_tap(const GridGeometry& a, const GridTaps& t, Use&& use) {
  for (int k = 0; k < 4; ++k) {
    const int dy = k / 2, dx = k % 2;
    const int64_t y = t.y0 + dy, x = t.x0 + dx;
    const double weight = (dy ? t.ty : 1 - t.ty) * (dx ? t.tx : 1 - t.tx);
    if (y >= 0 && y < a.h && x >= 0 && x < a.w && weight != 0) use(y * a.w + x, weight);
  }
}
__device__ __forceinline__ GridTaps taps_of(const GridGeometry& a, int64_t cell) {
  return grid_taps<float>(a, cell, cell / a.out_w % a.out_h, cell % a.out_w);
}

// One thread per element of y: the channels of a cell are neighbours, and share its taps by computing them again.
__global__ void __launch_bounds__(kThreads) sample(GridSampleFwd a, int64_t elements) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= elements) return;
  const int64_t cell = k / a.c, image = cell / (a.out_h * a.out_w);
  const float* x = static_cast<const float*>(a.x) + image * a.h * a.w * a.c + k % a.c;
  double sum = 0;
  each_tap(a, taps_of(a, cell), [&](int64_t pixel, double weight) { sum += weight * double(x[pixel * a.c]); });
  static_cast<float*>(a.y)[k] = float(sum);
}

// One thread per cell: gy times the slope of the bilinear patch; pixels outside the image count as zero.
__global__ void __launch_bounds__(kThreads) grid_gradient(GridSampleBwd a, int64_t cells) {
  const int64_t cell = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (cell >= cells) return;
  const float* x = static_cast<const float*>(a.x) + cell / (a.out_h * a.out_w) * a.h * a.w * a.c;
  const float* gy = static_cast<const float*>(a.gy) + cell * a.c;
  const GridTaps t = taps_of(a, cell);
  double along_y = 0, along_x = 0;
  for (int k = 0; k < 4; ++k) {
    const int dy = k / 2, dx = k % 2;
    const int64_t row = t.y0 + dy, column = t.x0 + dx;
    if (row < 0 || row >= a.h || column < 0 || column >= a.w) continue;
    double dot = 0;
    for (int64_t c = 0; c < a.c; ++c) dot += double(gy[c]) * double(x[(row * a.w + column) * a.c + c]);
    along_y += (dy ? dot : -dot) * (dx ? t.tx : 1 - t.tx);
    along_x += (dx ? dot : -dot) * (dy ? t.ty : 1 - t.ty);
  }
  const bool displaced = a.coordinates == GridCoordinates::displacement;
  float* g = static_cast<float*>(a.ggrid) + 2 * cell;
  g[displaced ? 0 : 1] = float(along_y * t.slope_y);
  g[displaced ? 1 : 0] = float(along_x * t.slope_x);
}

// naive: one thread per element of gx looks at every cell of its image.
__global__ void __launch_bounds__(kThreads) image_gradient_gather(GridSampleBwd a, int64_t elements) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= elements) return;
  const int64_t pixels = a.h * a.w, image = k / (pixels * a.c), mine = k / a.c % pixels;
  const float* gy = static_cast<const float*>(a.gy) + k % a.c;
  double sum = 0;
  int64_t cell = image * a.out_h * a.out_w;
  for (int64_t i = 0; i < a.out_h; ++i)
    for (int64_t j = 0; j < a.out_w; ++j, ++cell)
      each_tap(a, grid_taps<float>(a, cell, i, j), [&](int64_t pixel, double weight) {
        if (pixel == mine) sum += weight * double(gy[cell * a.c]);
      });
  static_cast<float*>(a.gx)[k] = float(sum);
}

// fixed: cells scatter to 64-bit integers. Integer addition commutes, so any order of the atomics gives the same bits. One unit is
// 2^-(62 - log2 of the cells of an image) of the largest |gy|: no sum can overflow, for a cell's weights on one pixel add up to at most 1.
__global__ void __launch_bounds__(kThreads) largest(const float* gy, int64_t n, unsigned* out) {
  float most = 0;
  for (int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x; k < n; k += int64_t(gridDim.x) * kThreads) most = max(most, fabsf(gy[k]));
  most = block_reduce<kThreads, Max>(most, 0.0f);
  if (threadIdx.x == 0) atomicMax(out, __float_as_uint(most));  // bits of positive floats order as the floats do
}

struct FixedPoint {
  const unsigned* largest;
  int bits;  // of one cell's share
  __device__ double unit() const {
    const float most = __uint_as_float(*largest);
    return most > 0 ? double(most) / double(int64_t(1) << bits) : 1.0;
  }
};

__global__ void __launch_bounds__(kThreads) image_gradient_scatter(GridSampleBwd a, FixedPoint fixed, unsigned long long* sums, int64_t elements) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= elements) return;
  const int64_t cell = k / a.c, image = cell / (a.out_h * a.out_w);
  const double g = double(static_cast<const float*>(a.gy)[k]) / fixed.unit();
  each_tap(a, taps_of(a, cell), [&](int64_t pixel, double weight) {
    const auto share = static_cast<unsigned long long>(static_cast<long long>(rint(weight * g)));
    atomicAdd(sums + (image * a.h * a.w + pixel) * a.c + k % a.c, share);
  });
}

__global__ void __launch_bounds__(kThreads) from_fixed(const unsigned long long* sums, FixedPoint fixed, float* gx, int64_t n) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k < n) gx[k] = float(double(static_cast<long long>(sums[k])) * fixed.unit());
}

void scatter(const Context& context, const GridSampleBwd& a) {
  const int64_t cells = a.out_h * a.out_w, elements = a.n * cells * a.c, pixels = a.n * a.h * a.w * a.c;
  int share = 62;
  while (int64_t(1) << (62 - share) < cells) --share;
  auto& runtime = device_runtime(context.device.kind);
  const DeviceBlock sums_block(context.device, size_t(pixels) * 8, context.stream), largest_block(context.device, sizeof(unsigned), context.stream);
  auto* sums = static_cast<unsigned long long*>(sums_block.data());
  auto* most = static_cast<unsigned*>(largest_block.data());
  runtime.fill_bytes(sums, 0, size_t(pixels) * 8, context.stream);
  runtime.fill_bytes(most, 0, sizeof(unsigned), context.stream);
  const auto* gy = static_cast<const float*>(a.gy);
  launch({min(blocks_for(elements, kThreads), 1024u), kThreads, 0, context.stream}, largest, gy, elements, most);
  launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, image_gradient_scatter, a, FixedPoint{most, share}, sums, elements);
  launch({blocks_for(pixels, kThreads), kThreads, 0, context.stream}, from_fixed, static_cast<const unsigned long long*>(sums), FixedPoint{most, share},
         static_cast<float*>(a.gx), pixels);
}

void run_backward(const Context& context, const GridSampleBwd& a, bool fixed) {
  const int64_t cells = a.n * a.out_h * a.out_w, pixels = a.n * a.h * a.w * a.c;
  if (a.ggrid) launch({blocks_for(cells, kThreads), kThreads, 0, context.stream}, grid_gradient, a, cells);
  if (!a.gx) return;
  if (fixed) scatter(context, a);
  else launch({blocks_for(pixels, kThreads), kThreads, 0, context.stream}, image_gradient_gather, a, pixels);
}

template <class T>
__global__ void __launch_bounds__(kThreads) pieces_of(GridPieces a, int64_t cells) {
  const int64_t cell = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (cell < cells) write_grid_piece<T>(a, cell);
}

// ---- affine grids --------------------------------------------------------------------------------------------------------------

__global__ void __launch_bounds__(kThreads) affine(AffineGrid a, int64_t elements) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= elements) return;
  const int64_t cell = i / 2, image = cell / (a.h * a.w);
  const float* theta = static_cast<const float*>(a.in) + image * 6 + i % 2 * 3;
  const double x = centre(cell % a.w, a.w, a.align_corners), y = centre(cell / a.w % a.h, a.h, a.align_corners);
  static_cast<float*>(a.out)[i] = float(double(theta[0]) * x + double(theta[1]) * y + double(theta[2]));
}

// The six numbers of theta as columns, the cells as rows.
struct AffineShare {
  const float* g;
  int64_t h, w;
  bool align_corners;
  __device__ double operator()(int64_t image, int64_t cell, int64_t k) const {
    const double v = g[(image * h * w + cell) * 2 + k / 3];
    return k % 3 == 0 ? v * centre(cell % w, w, align_corners) : k % 3 == 1 ? v * centre(cell / w, h, align_corners) : v;
  }
};
struct Store {
  float* to;
  __device__ void operator()(int64_t line, double sum) const { to[line] = float(sum); }
};

}  // namespace

void grid_sample_fwd_naive(const Context& context, const GridSampleFwd& a) {
  const int64_t elements = a.n * a.out_h * a.out_w * a.c;
  launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, sample, a, elements);
}
void grid_sample_bwd_naive(const Context& context, const GridSampleBwd& a) { run_backward(context, a, false); }
void grid_sample_bwd_fixed(const Context& context, const GridSampleBwd& a) { run_backward(context, a, true); }

void grid_pieces_naive(const Context& context, const GridPieces& a) {
  const int64_t cells = a.n * a.out_h * a.out_w;
  visit_float(a.dtype, "grid_pieces", [&]<class T>() { launch({blocks_for(cells, kThreads), kThreads, 0, context.stream}, pieces_of<T>, a, cells); });
}

void affine_grid_fwd_naive(const Context& context, const AffineGrid& a) {
  const int64_t elements = a.n * a.h * a.w * 2;
  launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, affine, a, elements);
}
void affine_grid_bwd_pieces(const Context& context, const AffineGrid& a) {
  column_sums(context, a.n, a.h * a.w, 6, AffineShare{static_cast<const float*>(a.in), a.h, a.w, a.align_corners}, Store{static_cast<float*>(a.out)});
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
