// Padding by the image's own border. Floor: read once, write once.
#include "kernels/pad2d.h"

#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads) pad(Pad2d p, const T* x, T* y, int64_t count) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= count) return;
  const int64_t oh = p.h + p.top + p.bottom, ow = p.w + p.left + p.right;
  const int64_t c = k % p.c, j = k / p.c % ow, i = k / (p.c * ow) % oh, n = k / (p.c * ow * oh);
  y[k] = x[((n * p.h + border_index(p.border, i - p.top, p.h)) * p.w + border_index(p.border, j - p.left, p.w)) * p.c + c];
}

// Calls f(i) for the padded positions i, in order, that come from position r of n: with reflection at most three single ones, with
// replication a run at each end.
template <class F>
__device__ __forceinline__ void for_each_copy(Border border, int64_t r, int64_t n, int64_t before, int64_t after, F&& f) {
  const int64_t length = before + n + after, at = before + r;
  if (border == Border::replicate) {
    for (int64_t i = r == 0 ? 0 : at; i < (r == n - 1 ? length : at + 1); ++i) f(i);
    return;
  }
  if (const int64_t low = before - r; r > 0 && low >= 0) f(low);
  f(at);
  if (const int64_t high = before + 2 * (n - 1) - r; r < n - 1 && high < length) f(high);
}

// The adjoint gathers, so that no two threads add to one pixel.
template <class T>
__global__ void __launch_bounds__(kThreads) gather(Pad2d p, const T* x, T* y, int64_t count) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= count) return;
  const int64_t oh = p.h + p.top + p.bottom, ow = p.w + p.left + p.right;
  const int64_t c = k % p.c, j = k / p.c % p.w, i = k / (p.c * p.w) % p.h, n = k / (p.c * p.w * p.h);
  float sum = 0;
  for_each_copy(p.border, i, p.h, p.top, p.bottom, [&](int64_t row) {
    for_each_copy(p.border, j, p.w, p.left, p.right, [&](int64_t column) { sum += float(x[((n * oh + row) * ow + column) * p.c + c]); });
  });
  y[k] = T(sum);
}

}  // namespace

void pad2d_naive(const Context& context, const Pad2d& p) {
  visit_f32_or_bf16(p.dtype, "pad2d", [&]<class T>() {
    const int64_t inside = p.n * p.h * p.w * p.c, padded = p.n * (p.h + p.top + p.bottom) * (p.w + p.left + p.right) * p.c;
    const int64_t count = p.adjoint ? inside : padded;
    launch({blocks_for(count, kThreads), kThreads, 0, context.stream}, p.adjoint ? gather<T> : pad<T>, p, static_cast<const T*>(p.x),
           static_cast<T*>(p.y), count);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
