// Sums, maxima and picks along the middle axis of [outer, reduced, inner]. Floor: x read once.
#include "kernels/reduce.h"

#include "kernels/gpu/column_sums.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

template <class T>
struct Element {
  const T* x;
  int64_t reduced, inner;
  __device__ double operator()(int64_t outer, int64_t r, int64_t i) const { return float(x[(outer * reduced + r) * inner + i]); }
};
template <class T>
struct StoreScaled {
  T* y;
  double scale;
  __device__ void operator()(int64_t line, double sum) const { y[line] = T(float(scale * sum)); }
};

// naive: one thread per line. Neighbours read neighbouring elements only where inner is large, and few lines leave most of the chip idle.
template <class T>
__global__ void __launch_bounds__(kThreads) sum_per_thread(Element<T> element, StoreScaled<T> store, int64_t lines) {
  const int64_t line = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (line >= lines) return;
  double sum = 0;
  for (int64_t r = 0; r < element.reduced; ++r) sum += element(line / element.inner, r, line % element.inner);
  store(line, sum);
}

// The largest of a line so far and its place; a NaN is largest, among equals the first place counts.
struct Best {
  float v;
  int64_t at;
  __device__ bool loses_to(float other, int64_t place) const {
    if (other > v || (other != other && v == v)) return true;
    const bool equal = other == v || (other != other && v != v);
    return equal && place < at;
  }
  __device__ void meet(const Best& o) {
    if (o.at >= 0 && (at < 0 || loses_to(o.v, o.at))) *this = o;
  }
};

template <class T>
__device__ __forceinline__ Best scan(const T* x, int64_t outer, int64_t reduced, int64_t inner, int64_t i, int64_t first, int64_t step) {
  Best best{0, -1};
  for (int64_t r = first; r < reduced; r += step) best.meet({float(x[(outer * reduced + r) * inner + i]), r});
  return best;
}
template <class T>
__device__ __forceinline__ void store_best(const Best& best, int64_t line, T* y, int64_t* index) {
  if (y) y[line] = T(best.v);
  if (index) index[line] = best.at;
}

template <class T>
__global__ void __launch_bounds__(kThreads) max_per_thread(const T* x, T* y, int64_t* index, int64_t outer, int64_t reduced, int64_t inner) {
  const int64_t line = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (line >= outer * inner) return;
  store_best(scan(x, line / inner, reduced, inner, line % inner, 0, 1), line, y, index);
}

// block: one block per strip of up to kThreads lines; with fewer lines several elements of each are read side by side, as in column_sums.
template <class T>
__global__ void __launch_bounds__(kThreads) max_per_block(const T* x, T* y, int64_t* index, int64_t reduced, int64_t inner, int64_t tiles) {
  KIN_SHARED(Best, bests, [kThreads]);
  const int64_t column = blockIdx.x % tiles * kThreads, outer = blockIdx.x / tiles;
  const int width = int(inner - column < kThreads ? inner - column : kThreads), t = int(threadIdx.x), side = kThreads / width;
  bests[t] = {0, -1};
  if (t < side * width) bests[t] = scan(x, outer, reduced, inner, column + t % width, t / width, side);
  __syncthreads();
  for (int left = side; left > 1;) {
    const int half = (left + 1) / 2;
    if (t + half * width < left * width) bests[t].meet(bests[t + half * width]);
    __syncthreads();
    left = half;
  }
  if (t < width) store_best(bests[t], outer * inner + column + t, y, index);
}

template <class T>
__global__ void __launch_bounds__(kThreads) pick(const T* x, const int64_t* index, T* y, int64_t lines, int64_t reduced, int64_t inner) {
  const int64_t line = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (line < lines) y[line] = x[(line / inner * reduced + index[line]) * inner + line % inner];
}
// Every element of y is written by its own thread: no clearing pass, no scatter.
template <class T>
__global__ void __launch_bounds__(kThreads) place(const T* x, const int64_t* index, T* y, int64_t n, int64_t reduced, int64_t inner) {
  const int64_t k = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= n) return;
  const int64_t line = k / (reduced * inner) * inner + k % inner;
  y[k] = index[line] == k / inner % reduced ? x[line] : T(0.0f);
}

}  // namespace

void reduce_sum_naive(const Context& context, const ReduceSum& p) {
  visit_f32_or_bf16(p.dtype, "reduce_sum", [&]<class T>() {
    launch({blocks_for(p.outer * p.inner, kThreads), kThreads, 0, context.stream}, sum_per_thread<T>,
           Element<T>{static_cast<const T*>(p.x), p.reduced, p.inner}, StoreScaled<T>{static_cast<T*>(p.y), p.scale}, p.outer * p.inner);
  });
}

void reduce_sum_pieces(const Context& context, const ReduceSum& p) {
  visit_f32_or_bf16(p.dtype, "reduce_sum", [&]<class T>() {
    column_sums(context, p.outer, p.reduced, p.inner, Element<T>{static_cast<const T*>(p.x), p.reduced, p.inner},
                StoreScaled<T>{static_cast<T*>(p.y), p.scale});
  });
}

void reduce_max_naive(const Context& context, const ReduceMax& p) {
  visit_f32_or_bf16(p.dtype, "reduce_max", [&]<class T>() {
    launch({blocks_for(p.outer * p.inner, kThreads), kThreads, 0, context.stream}, max_per_thread<T>, static_cast<const T*>(p.x), static_cast<T*>(p.y),
           p.index, p.outer, p.reduced, p.inner);
  });
}

void reduce_max_block(const Context& context, const ReduceMax& p) {
  visit_f32_or_bf16(p.dtype, "reduce_max", [&]<class T>() {
    const int64_t tiles = blocks_for(p.inner, kThreads);
    launch({unsigned(tiles * p.outer), kThreads, 0, context.stream}, max_per_block<T>, static_cast<const T*>(p.x), static_cast<T*>(p.y), p.index,
           p.reduced, p.inner, tiles);
  });
}

void pick_place_naive(const Context& context, const PickPlace& p) {
  visit_f32_or_bf16(p.dtype, "pick_place", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    T* y = static_cast<T*>(p.y);
    const int64_t lines = p.outer * p.inner, n = lines * p.reduced;
    if (p.place) launch({blocks_for(n, kThreads), kThreads, 0, context.stream}, place<T>, x, p.index, y, n, p.reduced, p.inner);
    else launch({blocks_for(lines, kThreads), kThreads, 0, context.stream}, pick<T>, x, p.index, y, lines, p.reduced, p.inner);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
