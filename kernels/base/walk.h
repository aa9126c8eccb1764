// Two strided operands walked over one index space: what broadcasting, permuting, slicing and concatenation have in common.
#pragma once
#include <cstdint>

namespace kintsugi {

inline constexpr int kMaxRank = 6;

/// An index space of up to six axes, last axis fastest, and the strides (in elements) of two operands over it.
/// A stride of 0 repeats the operand along that axis.
struct PairWalk {
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t a[kMaxRank] = {}, b[kMaxRank] = {};

  int64_t count() const {
    int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= dims[d];
    return n;
  }

  void push(int64_t n, int64_t stride_a, int64_t stride_b) {
    dims[rank] = n;
    a[rank] = stride_a;
    b[rank++] = stride_b;
  }

  /// Drops axes of length 1 and joins neighbours that both operands walk as one. [N,H,W,C] with [C] becomes [N*H*W, C]; equal
  /// shapes become one axis. At least one axis is left.
  void coalesce() {
    PairWalk out;
    for (int d = 0; d < rank; ++d) {
      if (dims[d] == 1) continue;
      const int last = out.rank - 1;
      if (last >= 0 && out.a[last] == a[d] * dims[d] && out.b[last] == b[d] * dims[d]) {
        out.dims[last] *= dims[d];
        out.a[last] = a[d];
        out.b[last] = b[d];
      } else {
        out.push(dims[d], a[d], b[d]);
      }
    }
    if (out.rank == 0) out.push(1, 1, 1);
    *this = out;
  }
};

/// Calls row(position, offset_a, offset_b, length) for the runs along the last axis that cover positions [begin, end) of the
/// walk (positions count elements in row-major order; the first and last run may be partial).
template <class F>
void for_each_run(const PairWalk& w, int64_t begin, int64_t end, F&& row) {
  const int inner = w.rank - 1;
  const int64_t length = w.dims[inner];
  int64_t index[kMaxRank] = {}, rest = begin, oa = 0, ob = 0;
  for (int d = inner; d >= 0; --d) {
    index[d] = rest % w.dims[d];
    rest /= w.dims[d];
    oa += index[d] * w.a[d];
    ob += index[d] * w.b[d];
  }
  for (int64_t at = begin; at < end;) {
    const int64_t left = length - index[inner], n = left < end - at ? left : end - at;
    row(at, oa, ob, n);
    at += n;
    oa -= index[inner] * w.a[inner];
    ob -= index[inner] * w.b[inner];
    index[inner] = 0;
    for (int d = inner - 1; d >= 0; --d) {  // the odometer's carry
      oa += w.a[d];
      ob += w.b[d];
      if (++index[d] < w.dims[d]) break;
      oa -= w.dims[d] * w.a[d];
      ob -= w.dims[d] * w.b[d];
      index[d] = 0;
    }
  }
}

}  // namespace kintsugi
