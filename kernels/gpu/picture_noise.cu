// Noise of pictures. Floor: read once, write once; the f64 logarithm and sine of a number cost more than its bytes, on pictures that are small.
#include "kernels/picture_noise.h"

#include "kernels/base/philox.h"

#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

/// Sine or cosine of v full turns, v in [0, 1). CUDA's sin has code for angles of any size, and a stack frame for it.
__device__ __forceinline__ double turned(bool sine, double v) {
#ifdef __CUDACC__
  return sine ? sinpi(2 * v) : cospi(2 * v);
#else
  return sine ? sin(6.283185307179586 * v) : cos(6.283185307179586 * v);
#endif
}

/// Philox(s.seed, s.stream).normal_at(i).
__device__ __forceinline__ float normal_at(const NoiseStream& s, uint64_t i) {
  const uint64_t block = i / 4;
  const Philox4 b = philox({uint32_t(block), uint32_t(block >> 32), uint32_t(s.stream), uint32_t(s.stream >> 32)}, {uint32_t(s.seed), uint32_t(s.seed >> 32)});
  const bool second = i & 2;
  const double u = (double(second ? b[2] : b[0]) + 0.5) * 0x1p-32, v = double(second ? b[3] : b[1]) * 0x1p-32;
  return float(sqrt(-2 * log(u)) * turned(i & 1, v));
}

__global__ void __launch_bounds__(kThreads) per_element(PictureNoise a, const float* x, float* y, int64_t elements) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= elements) return;
  const int64_t n = k / a.count;
  const float v = x[k] + a.sigma[n] * normal_at(a.stream[n], uint64_t(k % a.count));
  y[k] = v < 0 ? 0.0f : v > 1 ? 1.0f : v;
}

}  // namespace

void picture_noise_naive(const Context& context, const PictureNoise& a) {
  const int64_t elements = a.n * a.count;
  launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, per_element, a, static_cast<const float*>(a.x), static_cast<float*>(a.y), elements);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
