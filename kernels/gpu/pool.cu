// Max pooling and the two maps that its winners define. Floor: x read once, y and the indices written once.
#include "kernels/pool.h"

#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads) windows(const T* x, T* y, int32_t* index, PoolWindows rows, PoolWindows columns, int64_t c, int64_t elements) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= elements) return;
  const int64_t j = k / c % columns.out, i = k / (c * columns.out) % rows.out, n = k / (c * columns.out * rows.out);
  x += n * rows.in * columns.in * c + k % c;
  int64_t where = rows.begin[i] * columns.in + columns.begin[j];
  for (int64_t h = rows.begin[i]; h < rows.end[i]; ++h)
    for (int64_t w = columns.begin[j]; w < columns.end[j]; ++w) {
      const float v = float(x[(h * columns.in + w) * c]);
      if (v > float(x[where * c]) || v != v) where = h * columns.in + w;
    }
  y[k] = x[where * c];
  index[k] = int32_t(where);
}

// One thread per input element looks at every cell of its image and channel, in order: no two threads add to one element.
template <class T>
__global__ void __launch_bounds__(kThreads) scatter(MaxPoolIndexed a, int64_t elements) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= elements) return;
  const int64_t c = k % a.c, pixel = k / a.c % a.plane, n = k / (a.c * a.plane);
  double sum = 0;
  for (int64_t cell = n * a.cells; cell < (n + 1) * a.cells; ++cell)
    if (a.index[cell * a.c + c] == pixel) sum += double(float(static_cast<const T*>(a.in)[cell * a.c + c]));
  static_cast<T*>(a.out)[k] = T(float(sum));
}

template <class T>
__global__ void __launch_bounds__(kThreads) gather(MaxPoolIndexed a, int64_t elements) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k < elements) static_cast<T*>(a.out)[k] = static_cast<const T*>(a.in)[(k / (a.cells * a.c) * a.plane + a.index[k]) * a.c + k % a.c];
}

}  // namespace

void max_pool_fwd_naive(const Context& context, const MaxPoolFwd& a) {
  visit_f32_or_bf16(a.dtype, "max_pool_fwd", [&]<class T>() {
    const int64_t elements = a.n * a.rows.out * a.cols.out * a.c;
    launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, windows<T>, static_cast<const T*>(a.x), static_cast<T*>(a.y), a.index, a.rows,
           a.cols, a.c, elements);
  });
}

void max_pool_scatter_naive(const Context& context, const MaxPoolIndexed& a) {
  visit_f32_or_bf16(a.dtype, "max_pool_scatter", [&]<class T>() {
    const int64_t elements = a.n * a.plane * a.c;
    launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, scatter<T>, a, elements);
  });
}

void max_pool_gather_naive(const Context& context, const MaxPoolIndexed& a) {
  visit_f32_or_bf16(a.dtype, "max_pool_gather", [&]<class T>() {
    const int64_t elements = a.n * a.cells * a.c;
    launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, gather<T>, a, elements);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
