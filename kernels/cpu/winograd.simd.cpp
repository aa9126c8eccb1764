#include "kernels/cpu/winograd_store.h"

namespace kintsugi::KIN_SIMD {

void winograd_input(const WinogradInput& in) {
  const float* x = in.x;
  float* v = in.v;
  for (int64_t t = 0; t < in.tiles; ++t, x += 2 * in.x_pixel, v += in.v_tile)
    for (int64_t ch = 0; ch < in.c; ch += kLanes) {
      vec b[4][4];  // B^T d, column by column
      for (int j = 0; j < 4; ++j) {
        const float* p = x + j * in.x_pixel + ch;
        const vec d0 = load(p), d1 = load(p + in.x_row), d2 = load(p + 2 * in.x_row), d3 = load(p + 3 * in.x_row);
        b[0][j] = d0 - d2;
        b[1][j] = d1 + d2;
        b[2][j] = d2 - d1;
        b[3][j] = d1 - d3;
      }
      for (int i = 0; i < 4; ++i) {
        float* to = v + 4 * i * in.v_plane + ch;
        store(to, b[i][0] - b[i][2]);
        store(to + in.v_plane, b[i][1] + b[i][2]);
        store(to + 2 * in.v_plane, b[i][2] - b[i][1]);
        store(to + 3 * in.v_plane, b[i][1] - b[i][3]);
      }
    }
}

void winograd_weights(const float* w, int64_t w_tap, int64_t count, float* u, int64_t u_plane) {
  const vec half = splat(0.5f);
  for (int64_t n = 0; n < count; n += kLanes) {
    vec g[4][3];  // G w, column by column
    for (int s = 0; s < 3; ++s) {
      const float* p = w + s * w_tap + n;
      const vec w0 = load(p), w1 = load(p + 3 * w_tap), w2 = load(p + 6 * w_tap);
      g[0][s] = w0;
      g[1][s] = half * (w0 + w1 + w2);
      g[2][s] = half * (w0 - w1 + w2);
      g[3][s] = w2;
    }
    for (int i = 0; i < 4; ++i) {
      float* to = u + 4 * i * u_plane + n;
      store(to, g[i][0]);
      store(to + u_plane, half * (g[i][0] + g[i][1] + g[i][2]));
      store(to + 2 * u_plane, half * (g[i][0] - g[i][1] + g[i][2]));
      store(to + 3 * u_plane, g[i][2]);
    }
  }
}

void winograd_output(const WinogradOutput& o) {
  for (int64_t q = 0; q < o.columns; q += 2)
    for (int64_t ch = 0; ch < o.count; ch += kLanes) {
      const float* m = o.m + q / 2 * o.m_tile + ch;
      vec a[2][4];  // A^T m, column by column
      for (int j = 0; j < 4; ++j) {
        const vec m0 = load(m + j * o.m_plane), m1 = load(m + (4 + j) * o.m_plane), m2 = load(m + (8 + j) * o.m_plane),
                  m3 = load(m + (12 + j) * o.m_plane);
        a[0][j] = m0 + m1 + m2;
        a[1][j] = m1 - m2 - m3;
      }
      for (int64_t p = 0; p < o.rows; ++p) {
        const vec row[2] = {a[p][0] + a[p][1] + a[p][2], a[p][1] - a[p][2] - a[p][3]};
        store_winograd_row(o, p, q, ch, row, 2);
      }
    }
}

void winograd_output_gradient(const float* gy, int64_t gy_row, int64_t c, int64_t tiles, float* z, int64_t z_tile, int64_t z_plane) {
  for (int64_t t = 0; t < tiles; ++t, gy += 2 * c, z += z_tile)
    for (int64_t ch = 0; ch < c; ch += kLanes) {
      vec a[4][2];  // A gy, column by column
      for (int j = 0; j < 2; ++j) {
        const vec g0 = load(gy + j * c + ch), g1 = load(gy + gy_row + j * c + ch);
        a[0][j] = g0;
        a[1][j] = g0 + g1;
        a[2][j] = g0 - g1;
        a[3][j] = -g1;
      }
      for (int i = 0; i < 4; ++i) {
        float* to = z + 4 * i * z_plane + ch;
        store(to, a[i][0]);
        store(to + z_plane, a[i][0] + a[i][1]);
        store(to + 2 * z_plane, a[i][0] - a[i][1]);
        store(to + 3 * z_plane, -a[i][1]);
      }
    }
}

void winograd_weight_gradient(const float* u, int64_t u_plane, int64_t count, float* gw, int64_t w_r, int64_t w_s) {
  const vec half = splat(0.5f);
  for (int64_t n = 0; n < count; n += kLanes) {
    vec g[3][4];  // G^T u, column by column
    for (int j = 0; j < 4; ++j) {
      const float* p = u + j * u_plane + n;
      const vec u1 = half * load(p + 4 * u_plane), u2 = half * load(p + 8 * u_plane);
      g[0][j] = load(p) + u1 + u2;
      g[1][j] = u1 - u2;
      g[2][j] = u1 + u2 + load(p + 12 * u_plane);
    }
    for (int r = 0; r < 3; ++r) {
      float* to = gw + r * w_r + n;
      const vec g1 = half * g[r][1], g2 = half * g[r][2];
      store(to, g[r][0] + g1 + g2);
      store(to + w_s, g1 - g2);
      store(to + 2 * w_s, g1 + g2 + g[r][3]);
    }
  }
}

}  // namespace kintsugi::KIN_SIMD
