#include "kernels/cpu/reduce_simd.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/reduce.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kChunk = 1 << 15;  // elements per partial sum

// [outer, reduced] -> [outer]. Each line is cut into pieces with fixed borders; short lines are one piece.
void sum_lines(const ReduceSum& p) {
  const auto sum = KIN_SIMD_PICK(sum_run);
  const float* x = static_cast<const float*>(p.x);
  float* y = static_cast<float*>(p.y);
  const int64_t pieces = std::max<int64_t>(1, (p.reduced + kChunk - 1) / kChunk);
  std::vector<double> partial(size_t(p.outer * pieces));
  parallel_for(p.outer * pieces, pieces > 1 ? 1 : grain_for(p.reduced, kChunk), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t from = t % pieces * kChunk, to = std::min(p.reduced, from + kChunk);
      partial[size_t(t)] = sum(x + t / pieces * p.reduced + from, to - from);
    }
  });
  for (int64_t o = 0; o < p.outer; ++o) {
    double s = 0;
    for (int64_t k = 0; k < pieces; ++k) s += partial[size_t(o * pieces + k)];
    y[o] = float(p.scale * s);
  }
}

// [outer, reduced, inner] -> [outer, inner] with inner > 1: rows of x are added to columns. A few columns are too narrow for
// registers, so `fold` rows are taken as one wide row and its parts are added at the end.
void sum_middle(const ReduceSum& p) {
  const auto columns = KIN_SIMD_PICK(sum_columns);
  const float* x = static_cast<const float*>(p.x);
  float* y = static_cast<float*>(p.y);
  const int64_t fold = p.inner < 64 ? 64 : 1, width = fold * p.inner;
  const int64_t rows = std::max<int64_t>(32, kChunk / width);  // wide rows per piece
  const int64_t wide = p.reduced / fold, rest = p.reduced % fold;
  const int64_t pieces = std::max<int64_t>(1, (wide + rows - 1) / rows);
  std::vector<double> partial(size_t(p.outer * pieces * width));
  parallel_for(p.outer * pieces, grain_for(std::min(rows, wide) * width, kChunk), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t from = t % pieces * rows, to = std::min(wide, from + rows);
      columns(x + t / pieces * p.reduced * p.inner + from * width, to - from, width, width, partial.data() + t * width);
    }
  });
  parallel_for(p.outer, grain_for((pieces * fold + rest) * p.inner, kChunk), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      double* s = partial.data() + o * pieces * width;
      for (int64_t k = 1; k < pieces * fold; ++k)
        for (int64_t i = 0; i < p.inner; ++i) s[i] += s[k * p.inner + i];
      const float* last = x + (o * p.reduced + wide * fold) * p.inner;
      for (int64_t r = 0; r < rest; ++r)
        for (int64_t i = 0; i < p.inner; ++i) s[i] += double(last[r * p.inner + i]);
      for (int64_t i = 0; i < p.inner; ++i) y[o * p.inner + i] = float(p.scale * s[i]);
    }
  });
}

template <class T>
bool larger(T v, T best) { return (v > best) | ((v != v) & (best == best)); }  // no branches: loops over it become SIMD

/// The largest element of each column of some rows, and the first row that has it.
template <class T>
struct ColumnMax {
  using Index = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;  // as wide as T: the update is one SIMD loop
  std::vector<T> best;
  std::vector<Index> at;

  explicit ColumnMax(int64_t width) : best(size_t(width)), at(size_t(width)) {}

  void run(const T* x, int64_t rows) {
    const int64_t width = int64_t(best.size());
    std::copy_n(x, width, best.begin());
    std::fill(at.begin(), at.end(), Index(0));
    T* b = best.data();
    Index* k = at.data();
    for (Index r = 1; r < Index(rows); ++r) {
      x += width;
      for (int64_t i = 0; i < width; ++i) {
        const bool take = larger(x[i], b[i]);
        b[i] = take ? x[i] : b[i];
        k[i] = take ? r : k[i];
      }
    }
  }

  /// The rows were one line in memory: column 0 becomes the line's maximum and its place, elements [done, n) included.
  void meet(const T* line, int64_t done, int64_t n) {
    const Index width = Index(best.size());
    at[0] *= width;
    for (Index i = 1; i < width; ++i) {
      const Index place = at[size_t(i)] * width + i;
      const T v = best[size_t(i)];
      if (larger(v, best[0]) || (!larger(best[0], v) && place < at[0])) best[0] = v, at[0] = place;
    }
    for (int64_t r = done; r < n; ++r)
      if (larger(line[r], best[0])) best[0] = line[r], at[0] = Index(r);
  }
};

}  // namespace

void reduce_sum_ref(const Context&, const ReduceSum& p) {
  visit_float(p.dtype, "reduce_sum", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    T* y = static_cast<T*>(p.y);
    for (int64_t o = 0; o < p.outer; ++o)
      for (int64_t i = 0; i < p.inner; ++i) {
        double s = 0;
        for (int64_t r = 0; r < p.reduced; ++r) s += x[(o * p.reduced + r) * p.inner + i];
        y[o * p.inner + i] = T(p.scale * s);
      }
  });
}

void reduce_sum_fast(const Context&, const ReduceSum& p) { p.inner == 1 ? sum_lines(p) : sum_middle(p); }

void reduce_max_ref(const Context&, const ReduceMax& p) {
  visit_float(p.dtype, "reduce_max", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    for (int64_t o = 0; o < p.outer; ++o)
      for (int64_t i = 0; i < p.inner; ++i) {
        const T* line = x + o * p.reduced * p.inner + i;
        int64_t at = 0;
        for (int64_t r = 1; r < p.reduced; ++r)
          if (larger(line[r * p.inner], line[at * p.inner])) at = r;
        if (p.y) static_cast<T*>(p.y)[o * p.inner + i] = line[at * p.inner];
        if (p.index) p.index[o * p.inner + i] = at;
      }
  });
}

void reduce_max_fast(const Context&, const ReduceMax& p) {
  visit_float(p.dtype, "reduce_max", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    // A long line is read as rows of 16, one column maximum each, and the columns meet at the end.
    const int64_t lanes = p.inner == 1 && p.reduced >= 32 ? 16 : 1, width = p.inner * lanes, rows = p.reduced / lanes;
    parallel_for(p.outer, grain_for(p.reduced * p.inner, kChunk), [&](int64_t begin, int64_t end) {
      ColumnMax<T> columns(width);
      for (int64_t o = begin; o < end; ++o) {
        const T* line = x + o * p.reduced * p.inner;
        columns.run(line, rows);
        if (lanes > 1) columns.meet(line, rows * lanes, p.reduced);
        if (p.y) std::copy_n(columns.best.begin(), p.inner, static_cast<T*>(p.y) + o * p.inner);
        if (p.index) std::copy_n(columns.at.begin(), p.inner, p.index + o * p.inner);
      }
    });
  });
}

void pick_place_ref(const Context&, const PickPlace& p) {
  visit_float(p.dtype, "pick_place", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    T* y = static_cast<T*>(p.y);
    if (p.place) std::fill_n(y, p.outer * p.reduced * p.inner, T(0));
    for (int64_t o = 0; o < p.outer; ++o)
      for (int64_t i = 0; i < p.inner; ++i) {
        const int64_t line = o * p.inner + i, element = (o * p.reduced + p.index[line]) * p.inner + i;
        if (p.place) y[element] = x[line];
        else y[line] = x[element];
      }
  });
}

}  // namespace kintsugi::cpu
