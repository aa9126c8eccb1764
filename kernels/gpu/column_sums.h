// Sums over the middle axis of [outer, reduced, inner], in f64 or of any struct of f64 with +=, in an order that depends on the sizes alone: reductions, the gradients
// of per-channel parameters and means are all this.
//
//   struct Element { __device__ V operator()(int64_t outer, int64_t reduced, int64_t inner) const; };   // what is added
//   struct Finish { __device__ void operator()(int64_t line, V sum) const; };                                // line = outer * inner + i
//   column_sums(context, outer, reduced, inner, Element{...}, Finish{...});
//
// Pieces of about 16,000 elements, or as many as the caller says, are added by one block each; a second kernel adds the pieces in order. Floor: every
// element read once; the partial sums are one part in 2,000.
#pragma once
#include "kernels/base/device_runtime.h"
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace column_sums_detail {

inline constexpr int kThreads = 256;
struct Shape {
  int64_t outer, reduced, inner;
  int64_t tiles, rows, pieces;  // blocks along inner, rows of a piece, pieces along reduced
};

// Neighbouring threads take neighbouring elements whatever `inner` is: with fewer columns than threads, several rows are read side by side.
template <class V, class Element>
__global__ void __launch_bounds__(kThreads) add_pieces(Shape s, Element element, V* partial) {
  KIN_SHARED(V, sums, [kThreads]);
  const int64_t tile = blockIdx.x % s.tiles, rest = blockIdx.x / s.tiles, piece = rest % s.pieces, outer = rest / s.pieces;
  const int64_t column = tile * kThreads;
  const int width = int(s.inner - column < kThreads ? s.inner - column : kThreads), t = int(threadIdx.x);
  const int side = kThreads / width;  // rows side by side
  const int64_t end = (piece + 1) * s.rows < s.reduced ? (piece + 1) * s.rows : s.reduced;
  V sum{};
  if (t < side * width)
    for (int64_t r = piece * s.rows + t / width; r < end; r += side) sum += element(outer, r, column + t % width);
  sums[t] = sum;
  __syncthreads();
  for (int left = side; left > 1;) {
    const int half = (left + 1) / 2;
    if (t + half * width < left * width) sums[t] += sums[t + half * width];
    __syncthreads();
    left = half;
  }
  if (t < width) partial[(outer * s.pieces + piece) * s.inner + column + t] = sums[t];
}

template <class V, class Finish>
__global__ void __launch_bounds__(kThreads) add_partials(Shape s, const V* partial, Finish finish) {
  const int64_t line = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (line >= s.outer * s.inner) return;
  const int64_t outer = line / s.inner, i = line % s.inner;
  V sum{};
  for (int64_t k = 0; k < s.pieces; ++k) sum += partial[(outer * s.pieces + k) * s.inner + i];
  finish(line, sum);
}

}  // namespace column_sums_detail

/// Two sums of one pass.
struct SumPair {
  double a, b;
  __device__ void operator+=(const SumPair& o) { a += o.a, b += o.b; }
};

template <class Element, class Finish>
void column_sums(const Context& context, int64_t outer, int64_t reduced, int64_t inner, Element element, Finish finish, int64_t piece = 1 << 14) {
  using namespace column_sums_detail;
  using V = decltype(element(int64_t(0), int64_t(0), int64_t(0)));
  if (outer * inner == 0) return;
  Shape s{outer, reduced, inner, blocks_for(inner, kThreads), 0, 0};
  const int64_t width = inner < kThreads ? inner : kThreads;
  s.rows = piece / width;
  s.pieces = reduced > s.rows ? (reduced + s.rows - 1) / s.rows : 1;
  const DeviceBlock partial(context.device, size_t(outer * s.pieces * inner) * sizeof(V), context.stream);
  V* sums = static_cast<V*>(partial.data());
  launch({unsigned(s.tiles * s.pieces * outer), kThreads, 0, context.stream}, add_pieces<V, Element>, s, element, sums);
  launch({blocks_for(outer * inner, kThreads), kThreads, 0, context.stream}, add_partials<V, Finish>, s, static_cast<const V*>(sums), finish);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
