#include "kernels/pool.h"

#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cpu/pool_simd.h"

namespace kintsugi::cpu {

void max_pool_fwd_ref(const Context&, const MaxPoolFwd& a) {
  visit_float(a.dtype, "max_pool_fwd", [&]<class T>() {
    for (int64_t n = 0; n < a.n; ++n)
      for (int64_t i = 0; i < a.rows.out; ++i)
        for (int64_t j = 0; j < a.cols.out; ++j)
          for (int64_t c = 0; c < a.c; ++c) {
            const T* x = static_cast<const T*>(a.x) + n * a.rows.in * a.cols.in * a.c + c;
            int64_t where = a.rows.begin[i] * a.cols.in + a.cols.begin[j];
            for (int64_t h = a.rows.begin[i]; h < a.rows.end[i]; ++h)
              for (int64_t w = a.cols.begin[j]; w < a.cols.end[j]; ++w) {
                const T v = x[(h * a.cols.in + w) * a.c];
                if (v > x[where * a.c] || v != v) where = h * a.cols.in + w;
              }
            const int64_t cell = ((n * a.rows.out + i) * a.cols.out + j) * a.c + c;
            static_cast<T*>(a.y)[cell] = x[where * a.c];
            a.index[cell] = int32_t(where);
          }
  });
}

void max_pool_fwd_fast(const Context&, const MaxPoolFwd& a) {
  const int64_t plane = a.rows.in * a.cols.in * a.c, out_row = a.cols.out * a.c;
  const int64_t window = std::max<int64_t>(1, plane / std::max<int64_t>(1, a.rows.out * out_row));
  parallel_for(a.n * a.rows.out, grain_for(2 * window * out_row), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t n = t / a.rows.out, i = t % a.rows.out;
      for (int64_t j = 0; j < a.cols.out; ++j)
        KIN_SIMD_PICK(max_pool_cell)(static_cast<float*>(a.y) + t * out_row + j * a.c, a.index + t * out_row + j * a.c,
                                     static_cast<const float*>(a.x) + n * plane, a.cols.in, a.c, a.rows.begin[i], a.rows.end[i],
                                     a.cols.begin[j], a.cols.end[j]);
    }
  });
}

void max_pool_scatter_ref(const Context&, const MaxPoolIndexed& a) {
  visit_float(a.dtype, "max_pool_scatter", [&]<class T>() {
    std::vector<double> sum(size_t(a.plane * a.c));
    for (int64_t n = 0; n < a.n; ++n) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (int64_t k = n * a.cells * a.c; k < (n + 1) * a.cells * a.c; ++k)
        sum[size_t(a.index[k] * a.c + k % a.c)] += double(static_cast<const T*>(a.in)[k]);
      std::transform(sum.begin(), sum.end(), static_cast<T*>(a.out) + n * a.plane * a.c, [](double v) { return T(v); });
    }
  });
}

void max_pool_scatter_fast(const Context&, const MaxPoolIndexed& a) {
  // An input pixel may win several windows (stride < kernel). Sixteen channels (a cache line) of one image have one owner
  // who adds in scan order, so the bits do not depend on the threads.
  constexpr int64_t kBlock = 16;
  const int64_t blocks = (a.c + kBlock - 1) / kBlock;
  parallel_for(a.n * blocks, grain_for(kBlock * (a.plane + a.cells)), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t n = t / blocks, c0 = t % blocks * kBlock, c1 = std::min(a.c, c0 + kBlock);
      float* out = static_cast<float*>(a.out) + n * a.plane * a.c;
      for (int64_t p = 0; p < a.plane; ++p) std::fill(out + p * a.c + c0, out + p * a.c + c1, 0.0f);
      for (int64_t cell = 0; cell < a.cells; ++cell) {
        const int64_t k = (n * a.cells + cell) * a.c;
        for (int64_t c = c0; c < c1; ++c) out[a.index[k + c] * a.c + c] += static_cast<const float*>(a.in)[k + c];
      }
    }
  });
}

namespace {
template <class T>
void gather(const MaxPoolIndexed& a, int64_t begin, int64_t end) {
  for (int64_t cell = begin; cell < end; ++cell) {
    const T* in = static_cast<const T*>(a.in) + cell / a.cells * a.plane * a.c;
    for (int64_t c = 0; c < a.c; ++c)
      static_cast<T*>(a.out)[cell * a.c + c] = in[a.index[cell * a.c + c] * a.c + c];
  }
}
}  // namespace

void max_pool_gather_ref(const Context&, const MaxPoolIndexed& a) {
  visit_float(a.dtype, "max_pool_gather", [&]<class T>() { gather<T>(a, 0, a.n * a.cells); });
}

void max_pool_gather_fast(const Context&, const MaxPoolIndexed& a) {
  parallel_for(a.n * a.cells, grain_for(2 * a.c), [&](int64_t begin, int64_t end) { gather<float>(a, begin, end); });
}

}  // namespace kintsugi::cpu
