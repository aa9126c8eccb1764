#include "kernels/cpu/binary_simd.h"

#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/binary.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kGrain = 1 << 16;

/// n elements of one operand of a two-axis walk [rows, c] from position `at` on, laid out densely.
void gather(const float* x, int64_t stride_row, int64_t stride, int64_t c, int64_t at, int64_t n, float* out) {
  const float* row = x + at / c * stride_row;
  for (int64_t i = 0, k = at % c; i < n; ++i) {
    out[i] = row[k * stride];
    if (++k == c) k = 0, row += stride_row;
  }
}

/// Images of a few channels against a colour or a mask: a run of c elements is too short for a register, so the repeated
/// operand is laid out for a block at a time.
void short_rows(const Binary& p) {
  constexpr int64_t kBlock = 1024;
  const PairWalk& w = p.walk;
  const int64_t c = w.dims[1], block = kBlock / c * c;
  const auto run = KIN_SIMD_PICK(binary_run);
  const float *a = static_cast<const float*>(p.a), *b = static_cast<const float*>(p.b);
  float* y = static_cast<float*>(p.y);
  parallel_for(w.count(), kGrain / block * block, [&](int64_t begin, int64_t end) {
    float room_a[kBlock], room_b[kBlock];
    for (int64_t at = begin; at < end; at += block) {
      const int64_t n = std::min(block, end - at);
      const auto operand = [&](const float* x, const int64_t* stride, float* room) {
        if (stride[1] == 1 && stride[0] == c) return x + at;
        // Blocks start at a row's start: an operand that is the same in every row is laid out once.
        if (at == begin || stride[0] != 0) gather(x, stride[0], stride[1], c, at, n, room);
        return static_cast<const float*>(room);
      };
      run(p.op, operand(a, w.a, room_a), 1, operand(b, w.b, room_b), 1, y + at, n);
    }
  });
}

}  // namespace

void binary_ref(const Context&, const Binary& p) {
  visit_float(p.dtype, "binary", [&]<class T>() {
    const T *a = static_cast<const T*>(p.a), *b = static_cast<const T*>(p.b);
    T* y = static_cast<T*>(p.y);
    const int last = p.walk.rank - 1;
    for_each_run(p.walk, 0, p.walk.count(), [&](int64_t at, int64_t oa, int64_t ob, int64_t n) {
      for (int64_t i = 0; i < n; ++i) y[at + i] = apply(p.op, a[oa + i * p.walk.a[last]], b[ob + i * p.walk.b[last]]);
    });
  });
}

void binary_fast(const Context&, const Binary& p) {
  if (p.walk.rank == 2 && p.walk.dims[1] <= 16) return short_rows(p);
  const float *a = static_cast<const float*>(p.a), *b = static_cast<const float*>(p.b);
  float* y = static_cast<float*>(p.y);
  const int last = p.walk.rank - 1;
  const auto run = KIN_SIMD_PICK(binary_run);
  parallel_for(p.walk.count(), kGrain, [&](int64_t begin, int64_t end) {
    for_each_run(p.walk, begin, end, [&](int64_t at, int64_t oa, int64_t ob, int64_t n) {
      run(p.op, a + oa, p.walk.a[last], b + ob, p.walk.b[last], y + at, n);
    });
  });
}

}  // namespace kintsugi::cpu
