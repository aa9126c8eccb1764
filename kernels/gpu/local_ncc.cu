// Local normalised cross-correlation. Floor: a and b read once, cc written once (12 us for 16 images of 3 x 256 x 256).
//
// naive: one thread per window, which it reads twice: window^2 loads for each of the two images and passes, most of them from the cache.
//   Backward: a first kernel leaves five numbers per window, a second adds them over the windows of each pixel.
#include "kernels/local_ncc.h"

#include "kernels/base/device_runtime.h"
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 128;

struct Window {
  double mean_a, mean_b, cross, var_a, var_b;
};

__device__ __forceinline__ double pixel(const LocalNccFwd& f, const void* image, int64_t n, int64_t y, int64_t x, int64_t c) {
  const bool inside = y >= 0 && y < f.h && x >= 0 && x < f.w;
  return inside ? double(static_cast<const float*>(image)[((n * f.h + y) * f.w + x) * f.c + c]) : 0.0;
}

// The window of output element k.
__device__ Window window_at(const LocalNccFwd& f, int64_t out_h, int64_t out_w, int64_t k) {
  const int64_t c = k % f.c, x0 = k / f.c % out_w - f.lead(), y0 = k / (f.c * out_w) % out_h - f.lead(), n = k / (f.c * out_w * out_h);
  const double count = double(f.window * f.window);
  Window s{};
  for (int64_t y = y0; y < y0 + f.window; ++y)
    for (int64_t x = x0; x < x0 + f.window; ++x) {
      s.mean_a += pixel(f, f.a, n, y, x, c);
      s.mean_b += pixel(f, f.b, n, y, x, c);
    }
  s.mean_a /= count;
  s.mean_b /= count;
  for (int64_t y = y0; y < y0 + f.window; ++y)
    for (int64_t x = x0; x < x0 + f.window; ++x) {
      const double a = pixel(f, f.a, n, y, x, c) - s.mean_a, b = pixel(f, f.b, n, y, x, c) - s.mean_b;
      s.cross += a * b;
      s.var_a += a * a;
      s.var_b += b * b;
    }
  return s;
}

__global__ void __launch_bounds__(kThreads) correlate(LocalNccFwd f, int64_t out_h, int64_t out_w, int64_t outputs) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= outputs) return;
  const Window s = window_at(f, out_h, out_w, k);
  static_cast<float*>(f.cc)[k] = float(s.cross * s.cross / (s.var_a * s.var_b + f.eps));
}

// With u = 2 g cross / D, v_a = 2 g cross^2 var_b / D^2 and v_b likewise, a window adds u (b - u_b) - v_a (a - u_a) to ga of its pixels: all it
// has to leave is u, v_a, v_b and what does not depend on the pixel.
struct Shares {
  double u, v_a, v_b, rest_a, rest_b;
};

__global__ void __launch_bounds__(kThreads) window_shares(LocalNccFwd f, const float* g, Shares* shares, int64_t out_h, int64_t out_w, int64_t outputs) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= outputs) return;
  const Window s = window_at(f, out_h, out_w, k);
  const double inverse = 1 / (s.var_a * s.var_b + f.eps), ratio = s.cross * inverse, twice = 2 * double(g[k]);
  Shares r{twice * ratio, twice * ratio * ratio * s.var_b, twice * ratio * ratio * s.var_a, 0, 0};
  r.rest_a = r.v_a * s.mean_a - r.u * s.mean_b;
  r.rest_b = r.v_b * s.mean_b - r.u * s.mean_a;
  shares[k] = r;
}

__global__ void __launch_bounds__(kThreads) gather_shares(LocalNccFwd f, const Shares* shares, float* ga, float* gb, int64_t out_h, int64_t out_w, int64_t pixels) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= pixels) return;
  const int64_t c = k % f.c, x = k / f.c % f.w, y = k / (f.c * f.w) % f.h, n = k / (f.c * f.w * f.h);
  // Output p covers the pixels p - lead ... p - lead + window - 1.
  const int64_t last_i = min(out_h - 1, y + f.lead()), last_j = min(out_w - 1, x + f.lead());
  Shares sum{};
  for (int64_t i = max(int64_t(0), y + f.lead() - f.window + 1); i <= last_i; ++i)
    for (int64_t j = max(int64_t(0), x + f.lead() - f.window + 1); j <= last_j; ++j) {
      const Shares& s = shares[((n * out_h + i) * out_w + j) * f.c + c];
      sum.u += s.u;
      sum.v_a += s.v_a;
      sum.v_b += s.v_b;
      sum.rest_a += s.rest_a;
      sum.rest_b += s.rest_b;
    }
  const double a = double(static_cast<const float*>(f.a)[k]), b = double(static_cast<const float*>(f.b)[k]);
  if (ga) ga[k] = float(sum.u * b - sum.v_a * a + sum.rest_a);
  if (gb) gb[k] = float(sum.u * a - sum.v_b * b + sum.rest_b);
}

}  // namespace

void local_ncc_fwd_naive(const Context& context, const LocalNccFwd& f) {
  const int64_t outputs = f.n * f.out_h() * f.out_w() * f.c;
  launch({blocks_for(outputs, kThreads), kThreads, 0, context.stream}, correlate, f, f.out_h(), f.out_w(), outputs);
}

void local_ncc_bwd_naive(const Context& context, const LocalNccBwd& a) {
  const LocalNccFwd& f = a.forward;
  const int64_t outputs = f.n * f.out_h() * f.out_w() * f.c, pixels = f.n * f.h * f.w * f.c;
  const DeviceBlock block(context.device, size_t(outputs) * sizeof(Shares), context.stream);
  Shares* shares = static_cast<Shares*>(block.data());
  launch({blocks_for(outputs, kThreads), kThreads, 0, context.stream}, window_shares, f, static_cast<const float*>(a.g), shares, f.out_h(), f.out_w(), outputs);
  launch({blocks_for(pixels, kThreads), kThreads, 0, context.stream}, gather_shares, f, static_cast<const Shares*>(shares), static_cast<float*>(a.ga),
         static_cast<float*>(a.gb), f.out_h(), f.out_w(), pixels);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
