// Rows of a table by number, and the adjoint. Floor of the adjoint: gy read once, the table's gradient written once.
#include "kernels/embedding.h"

#include "kernels/simt/reduce.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 128;

template <class T>
__global__ void __launch_bounds__(kThreads) gather(const T* table, const int64_t* indices, T* y, int64_t n, int64_t width) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k < n) y[k] = table[indices[k / width] * width + k % width];
}

// naive: one thread per element of the gradient reads every index.
template <class T>
__global__ void __launch_bounds__(kThreads) adjoint_per_element(const T* gy, const int64_t* indices, T* gtable, int64_t rows, int64_t n, int64_t width) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= n) return;
  float sum = 0;
  for (int64_t r = 0; r < rows; ++r)
    if (indices[r] == k / width) sum += float(gy[r * width + k % width]);
  gtable[k] = T(sum);
}

// block: a block owns kThreads columns of one entry. A warp looks at 32 indices at once and walks the hits in order, so that the sum
// has one order, with no atomics: 1/32 of the comparisons.
template <class T>
__global__ void __launch_bounds__(kThreads) adjoint_per_block(const T* gy, const int64_t* indices, T* gtable, int64_t rows, int64_t width, int64_t strips) {
  const int64_t entry = blockIdx.x / strips, column = blockIdx.x % strips * kThreads + threadIdx.x;
  const int lane = int(threadIdx.x) % 32;
  float sum = 0;
  for (int64_t base = 0; base < rows; base += 32) {
    unsigned hits = __ballot_sync(kAllLanes, base + lane < rows && indices[base + lane] == entry);
    for (; hits; hits &= hits - 1)
      if (column < width) sum += float(gy[(base + __ffs(int(hits)) - 1) * width + column]);
  }
  if (column < width) gtable[entry * width + column] = T(sum);
}

}  // namespace

void embedding_naive(const Context& context, const Embedding& a) {
  visit_f32_or_bf16(a.dtype, "embedding_fwd", [&]<class T>() {
    const int64_t n = a.rows * a.width;
    launch({blocks_for(n, kThreads), kThreads, 0, context.stream}, gather<T>, static_cast<const T*>(a.table), a.indices, static_cast<T*>(a.y), n, a.width);
  });
}

void embedding_adjoint_naive(const Context& context, const EmbeddingAdjoint& a) {
  visit_f32_or_bf16(a.dtype, "embedding_adjoint_fwd", [&]<class T>() {
    const int64_t n = a.entries * a.width;
    launch({blocks_for(n, kThreads), kThreads, 0, context.stream}, adjoint_per_element<T>, static_cast<const T*>(a.gy), a.indices,
           static_cast<T*>(a.gtable), a.rows, n, a.width);
  });
}

void embedding_adjoint_block(const Context& context, const EmbeddingAdjoint& a) {
  visit_f32_or_bf16(a.dtype, "embedding_adjoint_fwd", [&]<class T>() {
    const int64_t strips = blocks_for(a.width, kThreads);
    launch({unsigned(a.entries * strips), kThreads, 0, context.stream}, adjoint_per_block<T>, static_cast<const T*>(a.gy), a.indices,
           static_cast<T*>(a.gtable), a.rows, a.width, strips);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
