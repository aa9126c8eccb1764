// Where element i of a PairWalk stands in its two operands.
#pragma once
#include "kernels/base/walk.h"
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

struct Offsets {
  int64_t a = 0, b = 0;
};

/// Unrolled over all axes, so that the walk stays in the kernel's parameters instead of a local copy. I counts elements: 32 bits where
/// they suffice, for a 64-bit division costs about four times as much.
template <class I>
__device__ __forceinline__ Offsets offsets_at(const PairWalk& w, I i) {
  Offsets o;
#pragma unroll
  for (int d = kMaxRank - 1; d > 0; --d) {
    if (d >= w.rank) continue;
    const I n = I(w.dims[d]), rest = i / n, at = i - rest * n;
    o.a += int64_t(at) * w.a[d];
    o.b += int64_t(at) * w.b[d];
    i = rest;
  }
  o.a += int64_t(i) * w.a[0];
  o.b += int64_t(i) * w.b[0];
  return o;
}

/// Calls f.template operator()<I>() with the index type that counts n elements.
template <class F>
void visit_index(int64_t n, F&& f) {
  if (n < (int64_t(1) << 31)) f.template operator()<uint32_t>();
  else f.template operator()<int64_t>();
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
