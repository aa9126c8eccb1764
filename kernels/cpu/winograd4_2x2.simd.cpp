// F(4x4, 2x2) over the points +-p, +-q and infinity (see winograd4.simd.cpp): 25 multiplications for 16 outputs where direct summation
// takes 64. Four finite points are enough for a kernel of two taps, and without the point 0 they come in pairs that share their work.
// Error (rms, relative) over 128 channels of SiLU of normal numbers, p and q being
//   1, 2: 2.9e-6;  1/2, 1: 8.1e-7;  1/2, 3/2: 6.6e-7;  1/2, 5/4: 6.2e-7;  3/8, 5/4: 5.8e-7
// which is what direct summation of the 3x3 kernel makes that the 2x2 ones stand for.
#include "kernels/cpu/winograd_store.h"

namespace kintsugi::KIN_SIMD {
namespace {

constexpr double kP = 3.0 / 8, kQ = 5.0 / 4, kP2 = kP * kP, kQ2 = kQ * kQ;

// y[0..4] = B^T (x0..x4); y advances by `step`.
template <int step>
inline void input_1d(vec x0, vec x1, vec x2, vec x3, vec x4, vec* y) {
  constexpr float p = kP, q = kQ, p2 = kP2, q2 = kQ2, product = kP2 * kQ2, sum = kP2 + kQ2;
  const vec odd_p = x3 - q2 * x1, even_p = x2 - q2 * x0;
  const vec odd_q = x3 - p2 * x1, even_q = x2 - p2 * x0;
  y[0] = odd_p + p * even_p;
  y[step] = odd_p - p * even_p;
  y[2 * step] = odd_q + q * even_q;
  y[3 * step] = odd_q - q * even_q;
  y[4 * step] = product * x0 + (x4 - sum * x2);
}

// y[0..4] = G (x0, x1).
template <int step>
inline void weights_1d(vec x0, vec x1, vec* y) {
  constexpr double np = 1 / (2 * kP * (kP2 - kQ2)), nq = 1 / (2 * kQ * (kQ2 - kP2));
  constexpr float p0 = np, p1 = np * kP, q0 = nq, q1 = nq * kQ;
  const vec even_p = p0 * x0, odd_p = p1 * x1;
  const vec even_q = q0 * x0, odd_q = q1 * x1;
  y[0] = odd_p + even_p;
  y[step] = odd_p - even_p;
  y[2 * step] = odd_q + even_q;
  y[3 * step] = odd_q - even_q;
  y[4 * step] = x1;
}

// y[0..3] = A^T (x0..x4).
template <int step>
inline void output_1d(vec x0, vec x1, vec x2, vec x3, vec x4, vec* y) {
  constexpr float p = kP, q = kQ, p2 = kP2, q2 = kQ2, p3 = kP2 * kP, q3 = kQ2 * kQ;
  const vec sum_p = x0 + x1, difference_p = x0 - x1;
  const vec sum_q = x2 + x3, difference_q = x2 - x3;
  y[0] = sum_p + sum_q;
  y[step] = p * difference_p + q * difference_q;
  y[2 * step] = p2 * sum_p + q2 * sum_q;
  y[3 * step] = p3 * difference_p + (q3 * difference_q + x4);
}

}  // namespace

void winograd4_2x2_input(const WinogradInput& in) {
  const float* x = in.x;
  float* v = in.v;
  for (int64_t t = 0; t < in.tiles; ++t, x += 4 * in.x_pixel, v += in.v_tile)
    for (int64_t ch = 0; ch < in.c; ch += kLanes) {
      vec b[5][5], row[5];  // B^T d
      for (int j = 0; j < 5; ++j) {
        const float* p = x + j * in.x_pixel + ch;
        input_1d<5>(load(p), load(p + in.x_row), load(p + 2 * in.x_row), load(p + 3 * in.x_row), load(p + 4 * in.x_row), &b[0][j]);
      }
      for (int i = 0; i < 5; ++i) {
        input_1d<1>(b[i][0], b[i][1], b[i][2], b[i][3], b[i][4], row);
        float* to = v + 5 * i * in.v_plane + ch;
        for (int j = 0; j < 5; ++j) store(to + j * in.v_plane, row[j]);
      }
    }
}

void winograd4_2x2_weights(const float* w, int64_t w_tap, int64_t count, float* u, int64_t u_plane) {
  for (int64_t n = 0; n < count; n += kLanes) {
    vec g[5][2], row[5];  // G w
    for (int s = 0; s < 2; ++s) weights_1d<2>(load(w + s * w_tap + n), load(w + (2 + s) * w_tap + n), &g[0][s]);
    for (int i = 0; i < 5; ++i) {
      weights_1d<1>(g[i][0], g[i][1], row);
      for (int j = 0; j < 5; ++j) store(u + (5 * i + j) * u_plane + n, row[j]);
    }
  }
}

void winograd4_2x2_output(const WinogradOutput& o) {
  for (int64_t q = 0; q < o.columns; q += 4)
    for (int64_t ch = 0; ch < o.count; ch += kLanes) {
      const float* m = o.m + q / 4 * o.m_tile + ch;
      vec a[4][5], row[4];  // A^T m
      for (int j = 0; j < 5; ++j, m += o.m_plane)
        output_1d<5>(load(m), load(m + 5 * o.m_plane), load(m + 10 * o.m_plane), load(m + 15 * o.m_plane), load(m + 20 * o.m_plane), &a[0][j]);
      for (int64_t p = 0; p < o.rows; ++p) {
        output_1d<1>(a[p][0], a[p][1], a[p][2], a[p][3], a[p][4], row);
        store_winograd_row(o, p, q, ch, row, 4);
      }
    }
}

}  // namespace kintsugi::KIN_SIMD
