// Nearest 2x and a 3x3 convolution; docs/ladder.md has the climb.
//
// naive: one thread per output and nine taps, as if the large image were there. tile, pipelined, mma, wgmma: four 2x2 convolutions of the small one.
// FLOPs 18 pixels o c as a 3x3 convolution of the large image, 8 as four of the small one, and a quarter of the bytes of x: its upsampled copy
// is neither written nor read. 128 channels to 512 x 512, batch 16, bf16: 696 us at 790 TFLOP/s in place of 1566. Weights are summed on every
// call, 13 o c elements read or written, less than 1 us. Prediction: 4/9 of the time of the same rung on the large image. Not yet measured.
#include "kernels/gpu/conv2d_up2_problem.h"
#include "kernels/gpu/conv2d_wgmma_windows.h"
#include "kernels/gpu/gemm_mma.h"
#include "kernels/gpu/gemm_tile.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads) up2_naive(Conv2dUp2Fwd p) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x, rows = 2 * p.h, columns = 2 * p.w;
  if (i >= p.n * rows * columns * p.o) return;
  const int64_t o = i % p.o, column = i / p.o % columns, row = i / p.o / columns % rows, n = i / p.o / columns / rows;
  const T *x = static_cast<const T*>(p.x), *w = static_cast<const T*>(p.weight) + o * 9 * p.c, *bias = static_cast<const T*>(p.bias);
  float sum = bias ? float(bias[o]) : 0.0f;
  for (int r = 0; r < 3; ++r) {
    const int64_t y = row + r - 1;
    if (y < 0 || y >= rows) continue;
    for (int s = 0; s < 3; ++s) {
      const int64_t at = column + s - 1;
      if (at < 0 || at >= columns) continue;
      const T *px = x + ((n * p.h + y / 2) * p.w + at / 2) * p.c, *pw = w + (r * 3 + s) * p.c;
      for (int64_t c = 0; c < p.c; ++c) sum += float(px[c]) * float(pw[c]);
    }
  }
  static_cast<T*>(p.y)[i] = T(sum);
}

/// Calls f(the four phases as one product).
template <class T, class F>
void as_product(const Context& context, const Conv2dUp2Fwd& p, F&& f) {
  const PhaseWeights<T> weights(context, p);
  f(conv2d_up2_problem<T>(p, weights));
}

/// The same for a rung with tiles of kRows pixels that reviews them where moments are wanted.
template <class T, int kRows, class F>
void as_product_with_moments(const Context& context, const Conv2dUp2Fwd& p, F&& f) {
  if (!p.moments) return as_product<T>(context, p, f);
  const PhaseWeights<T> weights(context, p);
  const ResultSums sums(context, p.n, 4 * (p.h * p.w / kRows), 4 * p.h * p.w, p.o);
  f(conv2d_up2_problem<T>(p, weights, sums.data()));
  sums.to(context, p.moments);
}

}  // namespace

void conv2d_up2_fwd_naive(const Context& context, const Conv2dUp2Fwd& p) {
  visit_f32_or_bf16(p.dtype, "conv2d_up2_fwd", [&]<class T>() {
    launch({blocks_for(4 * p.n * p.h * p.w * p.o, kThreads), kThreads, 0, context.stream}, up2_naive<T>, p);
  });
}

void conv2d_up2_fwd_tile(const Context& context, const Conv2dUp2Fwd& p) {
  visit_f32_or_bf16(p.dtype, "conv2d_up2_fwd", [&]<class T>() { as_product<T>(context, p, [&](const auto& problem) { launch_tile(context, problem); }); });
}

void conv2d_up2_fwd_pipelined(const Context& context, const Conv2dUp2Fwd& p) {
  as_product_with_moments<float, RegisterTile::kRows>(context, p, [&](const auto& problem) {
    if (p.c % 4 == 0 && reinterpret_cast<uintptr_t>(p.x) % 16 == 0) launch_pipelined<4>(context, problem);
    else launch_pipelined<1>(context, problem);
  });
}

void conv2d_up2_fwd_mma(const Context& context, const Conv2dUp2Fwd& p) {
  as_product_with_moments<bf16, MmaTile<bf16>::kRows>(context, p, [&](const auto& problem) { launch_mma<8>(context, problem); });
}

// The four phases one after the other, each to every second pixel of every second line.
void conv2d_up2_fwd_wgmma(const Context& context, const Conv2dUp2Fwd& p) {
  const PhaseWeights<bf16> weights(context, p);
  const auto run = [&]<class Tiles>(auto&& set) {
    for (int phase = 0; phase < 4; ++phase) {
      Tiles tiles(shape_of_phase(p, phase), p.x, weights.of(phase), p.bias, nullptr, p.y);
      tiles.image_step = int(4 * p.h * p.w);
      tiles.line_step = int(4 * p.w);
      tiles.pixel_step = 2;
      tiles.first = int(phase / 2 * 2 * p.w + phase % 2);
      set(tiles, phase);
      launch_wgmma(context, tiles);
    }
  };
  visit_wgmma_tiles<1>(p.o, [&]<class Tile>() {
    if (!p.moments) return run.template operator()<WindowTiles<false, Tile>>([](auto&, int) {});
    const int64_t patches = wgmma_patches<Tile>(p.n, p.h, p.w);
    const ResultSums sums(context, p.n, 4 * patches, 4 * p.h * p.w, p.o);
    run.template operator()<WindowTilesWithSums<Tile>>([&](auto& tiles, int phase) {
      tiles.sums = sums.data();
      tiles.image_tiles = int(4 * patches);
      tiles.first_tile = int(phase * patches);
    });
    sums.to(context, p.moments);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
