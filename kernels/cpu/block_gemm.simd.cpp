#include "kernels/cpu/block_gemm.h"

#include "kernels/base/vmath.h"

namespace kintsugi::KIN_SIMD {
namespace {

constexpr int kPanel = 2 * kLanes;              // columns of one packed panel
constexpr int kTile = kLanes == 16 ? 12 : 6;    // rows held in registers: 24 of 32, or 12 of 16, accumulators

template <int R>
void tile(int64_t k, int64_t columns, const float* a, int64_t a_row, int64_t a_col, const float* panel, float* c, int64_t c_row) {
  vec sum[R][2] = {};
  for (int64_t p = 0; p < k; ++p, panel += kPanel, a += a_col) {
    const vec b0 = load(panel), b1 = load(panel + kLanes);
    for (int r = 0; r < R; ++r) {
      const vec v = splat(a[r * a_row]);
      sum[r][0] += v * b0;
      sum[r][1] += v * b1;
    }
  }
  for (int r = 0; r < R; ++r) {
    if (columns >= kPanel) {
      store(c + r * c_row, sum[r][0]);
      store(c + r * c_row + kLanes, sum[r][1]);
      continue;
    }
    for (int64_t j = 0; j < columns; ++j) c[r * c_row + j] = sum[r][j / kLanes][j % kLanes];
  }
}

}  // namespace

void block_gemm_pack(const float* b, int64_t b_row, int64_t b_col, int64_t k, int64_t n, float* packed) {
  for (int64_t j = 0; j < n; j += kPanel) {
    const int64_t columns = n - j < kPanel ? n - j : kPanel;
    for (int64_t p = 0; p < k; ++p, packed += kPanel)
      for (int64_t i = 0; i < kPanel; ++i) packed[i] = i < columns ? b[p * b_row + (j + i) * b_col] : 0;
  }
}

void block_gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_col, const float* packed, float* c,
                int64_t c_row) {
  for (int64_t j = 0; j < n; j += kPanel, packed += k * kPanel) {
    int64_t i = 0;
    for (; i + kTile <= m; i += kTile) tile<kTile>(k, n - j, a + i * a_row, a_row, a_col, packed, c + i * c_row + j, c_row);
    for (; i + 3 <= m; i += 3) tile<3>(k, n - j, a + i * a_row, a_row, a_col, packed, c + i * c_row + j, c_row);
    for (; i < m; ++i) tile<1>(k, n - j, a + i * a_row, a_row, a_col, packed, c + i * c_row + j, c_row);
  }
}

}  // namespace kintsugi::KIN_SIMD
