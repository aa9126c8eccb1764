// Blur of pictures. Floor with 41 x 41 at 512 x 512 x 3: 2.6 GFLOP a picture, 44 us at 60 TFLOP/s; bytes are 6.3 MB, 1.5 us.
#include "kernels/picture_blur.h"

#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// ---- naive: one thread per element --------------------------------------------------------------------------------------------

__global__ void __launch_bounds__(kThreads) per_element(PictureBlur a, const float* x, float* y, int64_t elements) {
  const int64_t e = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (e >= elements) return;
  const int64_t c = e % a.c, j = e / a.c % a.w, i = e / (a.c * a.w) % a.h, n = e / (a.c * a.w * a.h);
  float sum = 0;
  for (int64_t p = 0; p < a.kh; ++p) {
    const float* line = x + (n * a.h + mirrored(i + p - a.kh / 2, a.h)) * a.w * a.c + c;
    const float* k = a.k + (n * a.kh + p) * a.kw;
    for (int64_t q = 0; q < a.kw; ++q) sum += k[q] * line[mirrored(j + q - a.kw / 2, a.w) * a.c];
  }
  y[e] = sum;
}

// ---- tile: one channel of 64 x 32 pixels and what surrounds it in shared memory -------------------------------------------------
// A thread sums eight pixels below each other. Going down a column of the tile it reads each pixel and each weight once: two reads, one of
// them the same for the whole warp, for eight multiply-adds, so that a clock's one read and four multiply-adds of an SM are both in use.

constexpr int kColumns = 32, kSums = 8, kRows = kThreads / kColumns * kSums;

__global__ void __launch_bounds__(kThreads) per_tile(PictureBlur a, const float* x, float* y) {
  KIN_DYNAMIC_SHARED(float, shared);
  const int kh = int(a.kh), kw = int(a.kw), height = kRows + kh - 1, width = kColumns + kw - 1;
  float* tile = shared;                    // [height][width]
  float* weights = shared + height * width;  // [kw][kh]: a column of the kernel lies together
  const int64_t n = blockIdx.z / a.c, c = blockIdx.z % a.c;
  const int64_t top = int64_t(blockIdx.y) * kRows, left = int64_t(blockIdx.x) * kColumns;
  for (int t = threadIdx.x; t < height * width; t += kThreads) {
    const int64_t i = mirrored(top + t / width - kh / 2, a.h), j = mirrored(left + t % width - kw / 2, a.w);
    tile[t] = x[((n * a.h + i) * a.w + j) * a.c + c];
  }
  for (int t = threadIdx.x; t < kh * kw; t += kThreads) weights[t % kw * kh + t / kw] = a.k[n * kh * kw + t];
  __syncthreads();
  const int column = int(threadIdx.x) % kColumns, row = int(threadIdx.x) / kColumns * kSums;
  float sums[kSums] = {};
  for (int q = 0; q < kw; ++q) {
    const float* pixel = tile + row * width + column + q;
    const float* k = weights + q * kh;
    float window[kSums] = {};  // the weights that meet the pixel at hand: window[r] goes to sum r
    for (int p = 0; p < kh + kSums - 1; ++p, pixel += width) {
#pragma unroll
      for (int r = kSums - 1; r > 0; --r) window[r] = window[r - 1];
      window[0] = p < kh ? k[p] : 0.0f;
      const float v = *pixel;
#pragma unroll
      for (int r = 0; r < kSums; ++r) sums[r] += window[r] * v;
    }
  }
  const int64_t j = left + column;
  if (j >= a.w) return;
#pragma unroll
  for (int r = 0; r < kSums; ++r) {
    const int64_t i = top + row + r;
    if (i < a.h) y[((n * a.h + i) * a.w + j) * a.c + c] = sums[r];
  }
}

}  // namespace

void picture_blur_naive(const Context& context, const PictureBlur& a) {
  const int64_t elements = a.n * a.h * a.w * a.c;
  launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, per_element, a, static_cast<const float*>(a.x), static_cast<float*>(a.y), elements);
}

void picture_blur_tile(const Context& context, const PictureBlur& a) {
  const size_t shared = size_t((kRows + a.kh - 1) * (kColumns + a.kw - 1) + a.kh * a.kw) * sizeof(float);
  launch({{blocks_for(a.w, kColumns), blocks_for(a.h, kRows), unsigned(a.n * a.c)}, kThreads, shared, context.stream}, per_tile, a,
         static_cast<const float*>(a.x), static_cast<float*>(a.y));
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
