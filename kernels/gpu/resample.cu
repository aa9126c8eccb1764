// Separable resampling by sparse weights. Floor: x read once, y written once; the tables of weights are a few kilobytes.
#include "kernels/resample.h"

#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// naive: one thread per element of y, both axes at once.
template <class T>
__global__ void __launch_bounds__(kThreads) per_element(const T* x, T* y, ResampleAxis rows, ResampleAxis columns, int64_t c, int64_t elements) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= elements) return;
  const int64_t j = k / c % columns.out, i = k / (c * columns.out) % rows.out, n = k / (c * columns.out * rows.out);
  double sum = 0;
  for (int32_t p = rows.offset[i]; p < rows.offset[i + 1]; ++p)
    for (int32_t q = columns.offset[j]; q < columns.offset[j + 1]; ++q)
      sum += rows.weight[p] * columns.weight[q] * double(float(x[((n * rows.in + rows.index[p]) * columns.in + columns.index[q]) * c + k % c]));
  y[k] = T(float(sum));
}

}  // namespace

void resample2d_naive(const Context& context, const Resample2d& a) {
  visit_f32_or_bf16(a.dtype, "resample2d", [&]<class T>() {
    const int64_t elements = a.n * a.rows.out * a.cols.out * a.c;
    launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, per_element<T>, static_cast<const T*>(a.x), static_cast<T*>(a.y), a.rows,
           a.cols, a.c, elements);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
