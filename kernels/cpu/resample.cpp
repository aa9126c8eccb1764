#include "kernels/resample.h"

#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cpu/resample_simd.h"

namespace kintsugi::cpu {

void resample2d_ref(const Context&, const Resample2d& a) {
  visit_float(a.dtype, "resample2d", [&]<class T>() {
    const T* x = static_cast<const T*>(a.x);
    T* y = static_cast<T*>(a.y);
    const auto &r = a.rows, &s = a.cols;
    for (int64_t n = 0; n < a.n; ++n)
      for (int64_t i = 0; i < r.out; ++i)
        for (int64_t j = 0; j < s.out; ++j)
          for (int64_t c = 0; c < a.c; ++c) {
            double sum = 0;
            for (int32_t p = r.offset[i]; p < r.offset[i + 1]; ++p)
              for (int32_t q = s.offset[j]; q < s.offset[j + 1]; ++q)
                sum += r.weight[p] * s.weight[q] * double(x[((n * r.in + r.index[p]) * s.in + s.index[q]) * a.c + c]);
            y[((n * r.out + i) * s.out + j) * a.c + c] = T(sum);
          }
  });
}

void resample2d_fast(const Context&, const Resample2d& a) {
  const auto &r = a.rows, &s = a.cols;
  const int64_t in_row = s.in * a.c, out_row = s.out * a.c;
  const std::vector<float> row_weight(r.weight, r.weight + r.offset[r.out]), col_weight(s.weight, s.weight + s.offset[s.out]);
  const int64_t rows = a.n * r.out;
  const int64_t taps = r.offset[r.out] / std::max<int64_t>(1, r.out) + 1;
  parallel_for(rows, grain_for(2 * taps * in_row + 4 * out_row), [&](int64_t begin, int64_t end) {
    std::vector<float> mixed(static_cast<size_t>(in_row));
    const float* ready = nullptr;  // the row of x that `mixed` would equal, when the vertical weights are a single 1
    int64_t previous = -1;         // the output row just written, if it read `ready` too: nearest enlargement copies it
    for (int64_t t = begin; t < end; ++t) {
      const int64_t n = t / r.out, i = t % r.out;
      const float* x = static_cast<const float*>(a.x) + n * r.in * in_row;
      float* y = static_cast<float*>(a.y) + t * out_row;
      const int32_t first = r.offset[i], count = r.offset[i + 1] - first;
      const float* source = mixed.data();
      if (count == 1 && row_weight[size_t(first)] == 1.0f) {
        source = x + r.index[first] * in_row;
        if (source == ready && previous == t - 1) {
          std::copy(y - out_row, y, y);
          previous = t;
          continue;
        }
        ready = source;
        previous = t;
      } else {
        KIN_SIMD_PICK(resample_mix_rows)(mixed.data(), x, in_row, r.index + first, row_weight.data() + first, count);
      }
      KIN_SIMD_PICK(resample_mix_columns)(y, source, s.out, a.c, s.offset, s.index, col_weight.data());
    }
  });
}

}  // namespace kintsugi::cpu
