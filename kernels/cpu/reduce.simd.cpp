#include "kernels/cpu/reduce_simd.h"

#include "kernels/base/vmath.h"

namespace kintsugi::KIN_SIMD {
namespace {

// An f32 accumulator takes at most this many values before it is added to the f64 sum: its error stays below
// 32 half-ulps of a partial sum, on average far less, and never grows with the length of the input.
constexpr int64_t kBlock = 32;

double lanes_in_double(vec v) {
  double s = 0;
  for (int i = 0; i < kLanes; ++i) s += double(v[i]);
  return s;
}

template <int kWide>
void columns(const float* x, int64_t rows, int64_t stride, double* into) {
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const int64_t r1 = r0 + kBlock < rows ? r0 + kBlock : rows;
    vec acc[kWide] = {};
    for (int64_t r = r0; r < r1; ++r)
      for (int k = 0; k < kWide; ++k) acc[k] += load(x + r * stride + k * kLanes);
    for (int k = 0; k < kWide; ++k)
      for (int i = 0; i < kLanes; ++i) into[k * kLanes + i] += double(acc[k][i]);
  }
}

}  // namespace

double sum_run(const float* x, int64_t n) {
  double total = 0;
  int64_t i = 0;
  while (i + 4 * kLanes <= n) {
    vec acc[4] = {};
    for (int64_t k = 0; k < kBlock && i + 4 * kLanes <= n; ++k, i += 4 * kLanes)
      for (int j = 0; j < 4; ++j) acc[j] += load(x + i + j * kLanes);
    for (int j = 0; j < 4; ++j) total += lanes_in_double(acc[j]);
  }
  for (; i < n; ++i) total += double(x[i]);
  return total;
}

void sum_columns(const float* x, int64_t rows, int64_t stride, int64_t n, double* into) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) columns<4>(x + i, rows, stride, into + i);
  for (; i + kLanes <= n; i += kLanes) columns<1>(x + i, rows, stride, into + i);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = i; j < n; ++j) into[j] += double(x[r * stride + j]);
}

}  // namespace kintsugi::KIN_SIMD
