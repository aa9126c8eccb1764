// conv2d_up2_fwd: plain loops, and the four phases as convolutions that write every second pixel of every second row.
#include "kernels/conv2d_up2.h"

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/cpu/conv2d_direct.h"

namespace kintsugi::cpu {
namespace {

template <class T>
void plain(const Conv2dUp2Fwd& p) {
  const T *x = static_cast<const T*>(p.x), *w = static_cast<const T*>(p.weight), *bias = static_cast<const T*>(p.bias);
  T* y = static_cast<T*>(p.y);
  const int64_t rows = 2 * p.h, columns = 2 * p.w;
  parallel_for(p.n * rows, grain_for(18 * columns * p.o * p.c), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t q = 0; q < columns; ++q)
        for (int64_t o = 0; o < p.o; ++o) {
          double sum = bias ? double(bias[o]) : 0.0;
          for (int64_t r = 0; r < 3; ++r) {
            const int64_t i = row % rows + r - 1;
            if (i < 0 || i >= rows) continue;
            for (int64_t s = 0; s < 3; ++s) {
              const int64_t j = q + s - 1;
              if (j < 0 || j >= columns) continue;
              const T* px = x + ((row / rows * p.h + i / 2) * p.w + j / 2) * p.c;
              const T* pw = w + ((o * 3 + r) * 3 + s) * p.c;
              for (int64_t c = 0; c < p.c; ++c) sum += double(px[c]) * double(pw[c]);
            }
          }
          y[(row * columns + q) * p.o + o] = T(sum);
        }
  });
}

// The kernel rows that fall on tap t of phase a: [first, last].
struct Taps {
  int64_t first, last;
};
constexpr Taps taps_of(int64_t a, int64_t t) {
  if (a == 0) return t == 0 ? Taps{0, 0} : Taps{1, 2};
  return t == 0 ? Taps{0, 1} : Taps{2, 2};
}

// to[o][2][2][c] of phase (a, b), summed in f64.
void sum_weights(const Conv2dUp2Fwd& p, int64_t a, int64_t b, float* to) {
  parallel_for(p.o, grain_for(32 * p.c), [&](int64_t begin, int64_t end) {
    for (int64_t i = 4 * begin; i < 4 * end; ++i) {
      const float* w = static_cast<const float*>(p.weight) + i / 4 * 9 * p.c;
      const Taps u = taps_of(a, i / 2 % 2), v = taps_of(b, i % 2);
      for (int64_t c = 0; c < p.c; ++c) {
        double sum = 0;
        for (int64_t r = u.first; r <= u.last; ++r)
          for (int64_t s = v.first; s <= v.last; ++s) sum += w[(r * 3 + s) * p.c + c];
        to[i * p.c + c] = float(sum);
      }
    }
  });
}

GroupMoments of_result(const Conv2dUp2Fwd& p) { return {p.y, p.moments.moments, p.n, 4 * p.h * p.w, p.o, p.moments.groups, p.dtype}; }

template <class Convolve>
void for_each_phase(const Conv2dUp2Fwd& p, Convolve&& convolve) {
  const Workspace weights(p.o * 4 * p.c);
  for (int64_t a = 0; a < 2; ++a)
    for (int64_t b = 0; b < 2; ++b) {
      sum_weights(p, a, b, weights.data());
      Direct d{};
      d.x = {static_cast<const float*>(p.x), p.h, p.w, p.c, p.c};
      d.images = p.n;
      d.x_image = p.h * p.w * p.c;
      d.kh = d.kw = 2;
      d.stride_h = d.stride_w = d.dilation_h = d.dilation_w = 1;
      d.top = 1 - a;
      d.left = 1 - b;
      d.w = weights.data();
      d.w_o = 4 * p.c;
      d.w_r = 2 * p.c;
      d.w_s = p.c;
      d.w_c = 1;
      d.bias = static_cast<const float*>(p.bias);
      d.y = static_cast<float*>(p.y) + (a * 2 * p.w + b) * p.o;
      d.out_h = p.h;
      d.out_w = p.w;
      d.o = p.o;
      d.y_image = 4 * p.h * p.w * p.o;
      d.y_row = 4 * p.w * p.o;
      d.y_pixel = 2 * p.o;
      convolve(d);
    }
}

}  // namespace

void conv2d_up2_fwd_ref(const Context& context, const Conv2dUp2Fwd& p) {
  visit_float(p.dtype, "conv2d_up2_fwd", [&]<class T>() { plain<T>(p); });
  if (p.moments) group_moments_ref(context, of_result(p));
}
void conv2d_up2_fwd_fast(const Context& context, const Conv2dUp2Fwd& p) {
  for_each_phase(p, [g = gemm()](const Direct& d) { convolve(g, d); });
  if (p.moments) group_moments_fast(context, of_result(p));
}
void conv2d_up2_fwd_winograd(const Context&, const Conv2dUp2Fwd& p) {
  PieceMoments moments(p.o);
  for_each_phase(p, [&, g = gemm()](Direct d) {
    if (p.moments) d.moments = &moments;
    convolve_winograd(g, d, Winograd::f4x4_2x2);
  });
  if (p.moments) moments.merge(p.n, p.moments);
}

}  // namespace kintsugi::cpu
