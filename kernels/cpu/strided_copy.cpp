#include "kernels/strided_copy.h"

#include <algorithm>
#include <cstring>

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {
namespace {

/// Calls f.template operator()<T>() with an unsigned integer as wide as the dtype: a copy does not care what bits mean.
template <class F>
void visit_size(DType t, F&& f) {
  switch (size_of(t)) {
    case 8: return f.template operator()<uint64_t>();
    case 4: return f.template operator()<uint32_t>();
    case 2: return f.template operator()<uint16_t>();
    default: return f.template operator()<uint8_t>();
  }
}

template <class T>
void copy_run(T* dst, int64_t stride_dst, const T* src, int64_t stride_src, int64_t n) {
  if (stride_dst == 1 && stride_src == 1) {
    std::memcpy(dst, src, size_t(n) * sizeof(T));
  } else if (stride_dst == 1 && stride_src == 0) {
    std::fill_n(dst, n, *src);
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i * stride_dst] = src[i * stride_src];
  }
}

// A transpose reads along one axis and writes along another. A tile goes through a buffer: it is read a cache line at a time and
// written in long runs, because image strides are powers of two and the lines of one such column push each other out of the cache.
constexpr int64_t kRead = 16, kWrite = 128;  // elements along src's axis and along dst's

int64_t tiles_along(int64_t n, int64_t tile) { return (n + tile - 1) / tile; }

template <class T>
void copy_tiles(const StridedCopy& p, int along, int64_t begin, int64_t end) {
  const PairWalk& w = p.walk;
  const int last = w.rank - 1;
  PairWalk tiles;  // the same space with the two axes counted in tiles
  int64_t after = 1;  // tiles passed by one step of axis `along`
  for (int d = 0; d < w.rank; ++d) {
    const int64_t step = d == along ? kRead : d == last ? kWrite : 1;
    tiles.push(tiles_along(w.dims[d], step), w.a[d] * step, w.b[d] * step);
    if (d > along) after *= tiles.dims[d];
  }
  for_each_run(tiles, begin, end, [&](int64_t at, int64_t oa, int64_t ob, int64_t n) {
    const int64_t rows = std::min(kRead, w.dims[along] - at / after % tiles.dims[along] * kRead);
    for (int64_t t = 0; t < n; ++t) {
      const int64_t columns = std::min(kWrite, w.dims[last] - (at + t) % tiles.dims[last] * kWrite);
      T* to = static_cast<T*>(p.dst) + oa + t * tiles.a[last];
      const T* from = static_cast<const T*>(p.src) + ob + t * tiles.b[last];
      T tile[kRead * kWrite];
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t i = 0; i < rows; ++i) tile[i * kWrite + j] = from[i + j * w.b[last]];
      for (int64_t i = 0; i < rows; ++i) copy_run(to + i * w.a[along], w.a[last], tile + i * kWrite, 1, columns);
    }
  });
}

/// The axis that src walks with stride 1 when the last axis is not it, or -1: then the copy is a transpose.
int transposed_axis(const PairWalk& w) {
  const int last = w.rank - 1;
  if (w.b[last] <= 1 || w.dims[last] < 4) return -1;
  for (int d = 0; d < last; ++d)
    if (w.b[d] == 1 && w.dims[d] >= 4) return d;
  return -1;
}

}  // namespace

void strided_copy_ref(const Context&, const StridedCopy& p) {
  visit_size(p.dtype, [&]<class T>() {
    T* dst = static_cast<T*>(p.dst);
    const T* src = static_cast<const T*>(p.src);
    const int last = p.walk.rank - 1;
    for_each_run(p.walk, 0, p.walk.count(), [&](int64_t, int64_t oa, int64_t ob, int64_t n) {
      for (int64_t i = 0; i < n; ++i) dst[oa + i * p.walk.a[last]] = src[ob + i * p.walk.b[last]];
    });
  });
}

void strided_copy_fast(const Context&, const StridedCopy& p) {
  visit_size(p.dtype, [&]<class T>() {
    const PairWalk& w = p.walk;
    const int last = w.rank - 1;
    if (const int along = transposed_axis(w); along >= 0) {
      const int64_t across = tiles_along(w.dims[last], kWrite), down = tiles_along(w.dims[along], kRead);
      const int64_t tiles = w.count() / (w.dims[last] * w.dims[along]) * across * down;
      return parallel_for(tiles, 16, [&](int64_t begin, int64_t end) { copy_tiles<T>(p, along, begin, end); });
    }
    parallel_for(w.count(), 1 << 16, [&](int64_t begin, int64_t end) {
      for_each_run(w, begin, end, [&](int64_t, int64_t oa, int64_t ob, int64_t n) {
        copy_run(static_cast<T*>(p.dst) + oa, w.a[last], static_cast<const T*>(p.src) + ob, w.b[last], n);
      });
    });
  });
}

}  // namespace kintsugi::cpu
