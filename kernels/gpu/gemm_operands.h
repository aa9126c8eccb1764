// What the matrix products of kernels/gpu multiply, and where they put the result. A convolution is such a product as well ("implicit
// GEMM"): its operands are matrices that exist nowhere in memory, only as a rule that says where element (row, depth) stands. So one
// kernel per rung of the ladder serves matmul and the three convolutions; docs/ladder.md has the climb.
//
// An operand type has
//   Element                        float or bf16
//   kDepthInner                    are neighbouring depths (else neighbouring rows) neighbours in memory?
//   row(int) -> Row                what is known of a row; beyond the last: one that is zero everywhere
//   depth(int) -> Depth            likewise of a position along the sum
//   at(Row, Depth) -> pointer      the element, or null where it is zero
//   select(int)                    moves to the batch-th product
// Row and Depth are apart so that a kernel decodes each once and combines them often.
#pragma once
#include "kernels/base/dtype.h"
#include "kernels/base/fast_divisor.h"
#include "kernels/simt/simt.h"
#include "kernels/table.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// A matrix in memory: lines of neighbours `pitch` elements apart, the lines being rows where kInner and depths otherwise. The depths may
/// run through several such matrices, `matrix_step` apart, of `matrix_depth` each.
template <class T, bool kInner>
struct MatrixOperand {
  using Element = T;
  static constexpr bool kDepthInner = kInner;
  struct Row { const T* start; };     // null: outside
  struct Depth { int64_t offset; };   // -1: outside

  const T* data = nullptr;
  int64_t pitch = 0, matrix_step = 0, batch_step = 0;
  int rows = 0, depths = 0;
  FastDivisor matrix_depth;

  __device__ void select(int batch) { data += batch * batch_step; }
  __device__ Row row(int r) const { return {r < rows ? data + (kInner ? r * pitch : r) : nullptr}; }
  __device__ Depth depth(int k) const {
    if (k >= depths) return {-1};
    const int matrix = matrix_depth.quotient(k), within = matrix_depth.remainder(k, matrix);
    return {matrix * matrix_step + (kInner ? within : within * pitch)};
  }
  __device__ const T* at(Row r, Depth d) const { return r.start && d.offset >= 0 ? r.start + d.offset : nullptr; }
};

/// The windows of a convolution: row = pixel of the result, depth = (tap, channel), element = the data under that tap, zero outside the
/// image. Forward the result is y and the data x; for the input gradient the result is gx and the data gy, the taps run backwards and,
/// with a stride, only every stride-th position holds data.
template <class T>
struct WindowOperand {
  using Element = T;
  static constexpr bool kDepthInner = true;
  struct Row { const T* image; int y, x; };  // null: outside
  struct Depth { int y, x, channel; };       // channel -1: outside

  const T* data = nullptr;                       // [n, h, w, pitch]
  int h = 0, w = 0, pitch = 0, batch_step = 0;   // batch = group of channels
  int row_step_y = 1, row_step_x = 1, first_y = 0, first_x = 0;  // position under tap 0 of result pixel (p, q): first + p * row_step
  int tap_step_y = 1, tap_step_x = 1;            // from one tap to the next
  FastDivisor every_y, every_x;                  // positions that hold data
  FastDivisor result_h, result_w, channels, taps_w;
  int rows = 0, depths = 0;

  __device__ void select(int batch) { data += int64_t(batch) * batch_step; }
  __device__ Row row(int r) const {
    if (r >= rows) return {nullptr, 0, 0};
    const int line = result_w.quotient(r), q = result_w.remainder(r, line);
    const int n = result_h.quotient(line), p = result_h.remainder(line, n);
    return {data + int64_t(n) * h * w * pitch, first_y + p * row_step_y, first_x + q * row_step_x};
  }
  __device__ Depth depth(int k) const {
    if (k >= depths) return {0, 0, -1};
    const int tap = channels.quotient(k), r = taps_w.quotient(tap);
    return {r * tap_step_y, taps_w.remainder(tap, r) * tap_step_x, channels.remainder(k, tap)};
  }
  __device__ const T* at(Row r, Depth d) const {
    int y = r.y + d.y, x = r.x + d.x;
    if (!r.image || d.channel < 0 || y < 0 || x < 0) return nullptr;
    const int at_y = every_y.quotient(y), at_x = every_x.quotient(x);
    if (every_y.remainder(y, at_y) != 0 || every_x.remainder(x, at_x) != 0 || at_y >= h || at_x >= w) return nullptr;
    return r.image + (int64_t(at_y) * w + at_x) * pitch + d.channel;
  }
};

/// An operand with its rows and depths exchanged.
template <class Operand>
struct Transposed {
  using Element = typename Operand::Element;
  static constexpr bool kDepthInner = !Operand::kDepthInner;
  using Row = typename Operand::Depth;
  using Depth = typename Operand::Row;

  Operand of;

  __device__ void select(int batch) { of.select(batch); }
  __device__ Row row(int r) const { return of.depth(r); }
  __device__ Depth depth(int k) const { return of.row(k); }
  __device__ const Element* at(Row r, Depth d) const { return of.at(d, r); }
};

/// What a MatrixResult makes of element i before it is stored: nothing. Another one has select(step), which moves its own arrays, and this call.
struct Unfinished {
  __device__ void select(int64_t) {}
  __device__ float operator()(int64_t, float v) const { return v; }
};

/// Where the result goes: C (+)= finish(A B + bias + residual), one line per row.
template <class T, class Finish = Unfinished>
struct MatrixResult {
  T* data = nullptr;
  const T* bias = nullptr;      // one per column; or null
  const T* residual = nullptr;  // laid out as data; or null
  int64_t pitch = 0, batch_step = 0, split_step = 0;
  int bias_step = 0;            // per batch
  bool accumulate = false;
  bool pairs = false;           // may two neighbouring columns, the first one even, be stored as one?
  Finish finish = {};

  __device__ void select(int batch, int split) {
    const int64_t step = batch * batch_step + split * split_step;
    data += step;
    if (residual) residual += step;
    if (bias) bias += int64_t(batch) * bias_step;
    finish.select(step);
  }
  __device__ void store(int row, int column, float v) const {
    const int64_t i = row * pitch + column;
    if (bias) v += float(bias[column]);
    if (residual) v += float(residual[i]);
    v = finish(i, v);
    if (accumulate) v += float(data[i]);
    data[i] = T(v);
  }
  /// Columns `column` (even) and the next, of which `left` (0, 1 or more) are inside.
  __device__ void store_pair(int row, int column, int left, float v0, float v1) const {
    if (pairs && !accumulate && left >= 2) {
      const int64_t i = row * pitch + column;
      if (bias) v0 += float(bias[column]), v1 += float(bias[column + 1]);
      if (residual) v0 += float(residual[i]), v1 += float(residual[i + 1]);
      *reinterpret_cast<Pair*>(data + i) = {T(finish(i, v0)), T(finish(i + 1, v1))};
      return;
    }
    if (left > 0) store(row, column, v0);
    if (left > 1) store(row, column + 1, v1);
  }
  /// Sets `pairs` from the rest.
  void allow_pairs() {
    pairs = pitch % 2 == 0 && batch_step % 2 == 0 && split_step % 2 == 0 && reinterpret_cast<uintptr_t>(data) % sizeof(Pair) == 0;
  }

 private:
  struct alignas(2 * sizeof(T)) Pair { T first, second; };
};

/// For kernels whose blocks of kThreads make one tile of kRows x kColumns: a result type may have review<kRows, kColumns, kThreads>(row0, column0), by which all
/// threads of the block look back at the tile that they have stored.
template <int kRows, int kColumns, int kThreads, class Result>
__device__ __forceinline__ void review_tile(const Result& c, int row0, int column0) {
  if constexpr (requires { c.template review<kRows, kColumns, kThreads>(row0, column0); }) {
    __syncthreads();
    c.template review<kRows, kColumns, kThreads>(row0, column0);
  }
}

/// C_i = A_i B_i^T for i < batch: the rows of A are the rows of C, the rows of B its columns. The sum over depths may be cut into
/// `splits` ranges whose results are kept apart, to be added in order by a second kernel: the same bits on every run, which atomic
/// additions would not give. blockIdx.z = batch * splits + split.
inline constexpr int kSplitUnit = 64;  // depths of a range are a multiple of this, and so of every kernel's step

template <class OperandA, class OperandB, class Result>
struct Product {
  OperandA a;
  OperandB b;
  Result c;
  int m = 0, n = 0, k = 0, batch = 1;
  int splits = 1, split_depth = 0;  // depths of one range

  /// Moves to the product and range of this block; returns the range.
  struct Range { int begin, end; };
  __device__ Range select(int z) {
    const int i = z / splits, split = z - i * splits, begin = split * split_depth, end = begin + split_depth;
    a.select(i);
    b.select(i);
    c.select(i, split);
    return {begin, end < k ? end : k};
  }
};

}  // namespace kintsugi::KIN_GPU_NAMESPACE
