// Convolution and its gradients as plain loops, sums in f64.
#include "kernels/conv2d.h"

#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cpu/group_moments.h"

namespace kintsugi::cpu {
namespace {

// x as the sums see it: as it lies, or normalised in f64.
template <class T, class X>
void fwd(const Conv2dFwd& p, const X* x) {
  const ConvShape& s = p.shape;
  const int64_t cg = s.c / s.groups, og = s.o / s.groups;
  const T *w = static_cast<const T*>(p.w), *bias = static_cast<const T*>(p.bias);
  const T* residual = static_cast<const T*>(p.residual);
  T* y = static_cast<T*>(p.y);
  parallel_for(s.n * s.out_h, grain_for(2 * s.out_w * s.o * s.kh * s.kw * cg), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t q = 0; q < s.out_w; ++q)
        for (int64_t o = 0; o < s.o; ++o) {
          double sum = bias ? double(bias[o]) : 0.0;
          for (int64_t r = 0; r < s.kh; ++r) {
            const int64_t iy = row % s.out_h * s.stride_h + r * s.dilation_h - s.top;
            if (iy < 0 || iy >= s.h) continue;
            for (int64_t k = 0; k < s.kw; ++k) {
              const int64_t ix = q * s.stride_w + k * s.dilation_w - s.left;
              if (ix < 0 || ix >= s.w) continue;
              const X* px = x + ((row / s.out_h * s.h + iy) * s.w + ix) * s.c + o / og * cg;
              const T* pw = w + ((o * s.kh + r) * s.kw + k) * cg;
              for (int64_t c = 0; c < cg; ++c) sum += double(px[c]) * double(pw[c]);
            }
          }
          const int64_t at = (row * s.out_w + q) * s.o + o;
          y[at] = T(residual ? sum + double(residual[at]) : sum);
        }
  });
}

// The output position that tap `tap` links to input position i, or -1.
int64_t source(int64_t i, int64_t before, int64_t tap, int64_t dilation, int64_t stride, int64_t count) {
  const int64_t at = i + before - tap * dilation;
  return at >= 0 && at % stride == 0 && at / stride < count ? at / stride : -1;
}

template <class T>
void dgrad(const Conv2dDgrad& p) {
  const ConvShape& s = p.shape;
  const int64_t cg = s.c / s.groups, og = s.o / s.groups;
  const T *gy = static_cast<const T*>(p.gy), *w = static_cast<const T*>(p.w), *bias = static_cast<const T*>(p.bias);
  T* gx = static_cast<T*>(p.gx);
  parallel_for(s.n * s.h, grain_for(2 * s.w * s.o * s.kh * s.kw * cg), [&](int64_t begin, int64_t end) {
    std::vector<double> sum(s.c);
    for (int64_t row = begin; row < end; ++row)
      for (int64_t ix = 0; ix < s.w; ++ix) {
        for (int64_t c = 0; c < s.c; ++c) sum[c] = bias ? double(bias[c]) : 0.0;
        for (int64_t r = 0; r < s.kh; ++r) {
          const int64_t oy = source(row % s.h, s.top, r, s.dilation_h, s.stride_h, s.out_h);
          if (oy < 0) continue;
          for (int64_t k = 0; k < s.kw; ++k) {
            const int64_t ox = source(ix, s.left, k, s.dilation_w, s.stride_w, s.out_w);
            if (ox < 0) continue;
            const T* pg = gy + ((row / s.h * s.out_h + oy) * s.out_w + ox) * s.o;
            for (int64_t o = 0; o < s.o; ++o) {
              const T* pw = w + ((o * s.kh + r) * s.kw + k) * cg;
              double* ps = sum.data() + o / og * cg;
              for (int64_t c = 0; c < cg; ++c) ps[c] += double(pg[o]) * double(pw[c]);
            }
          }
        }
        for (int64_t c = 0; c < s.c; ++c) gx[(row * s.w + ix) * s.c + c] = T(sum[c]);
      }
  });
}

template <class T>
void wgrad(const Conv2dWgrad& p) {
  const ConvShape& s = p.shape;
  const int64_t cg = s.c / s.groups, og = s.o / s.groups, taps = s.kh * s.kw * cg;
  const T *x = static_cast<const T*>(p.x), *gy = static_cast<const T*>(p.gy);
  T *gw = static_cast<T*>(p.gw), *gbias = static_cast<T*>(p.gbias);
  parallel_for(s.o, grain_for(2 * s.n * s.out_h * s.out_w * taps), [&](int64_t begin, int64_t end) {
    std::vector<double> sum(taps);
    for (int64_t o = begin; o < end; ++o) {
      std::fill(sum.begin(), sum.end(), 0.0);
      double bias_sum = 0;
      for (int64_t row = 0; row < s.n * s.out_h; ++row)
        for (int64_t q = 0; q < s.out_w; ++q) {
          const double g = gy[(row * s.out_w + q) * s.o + o];
          bias_sum += g;
          for (int64_t r = 0; gw && r < s.kh; ++r) {
            const int64_t iy = row % s.out_h * s.stride_h + r * s.dilation_h - s.top;
            if (iy < 0 || iy >= s.h) continue;
            for (int64_t k = 0; k < s.kw; ++k) {
              const int64_t ix = q * s.stride_w + k * s.dilation_w - s.left;
              if (ix < 0 || ix >= s.w) continue;
              const T* px = x + ((row / s.out_h * s.h + iy) * s.w + ix) * s.c + o / og * cg;
              double* ps = sum.data() + (r * s.kw + k) * cg;
              for (int64_t c = 0; c < cg; ++c) ps[c] += g * double(px[c]);
            }
          }
        }
      if (gw)
        for (int64_t i = 0; i < taps; ++i) gw[o * taps + i] = T(sum[i]);
      if (gbias) gbias[o] = T(bias_sum);
    }
  });
}

}  // namespace

void conv2d_fwd_ref(const Context& context, const Conv2dFwd& p) {
  const ConvShape& s = p.shape;
  visit_float(p.dtype, "conv2d_fwd", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    if (!p.norm) return fwd<T>(p, x);
    std::vector<double> normalised(x, x + s.n * s.h * s.w * s.c);
    normalise_plain(p.norm, p.dtype, s.n, s.h * s.w, s.c, normalised.data());
    fwd<T>(p, normalised.data());
  });
  if (p.moments) group_moments_ref(context, {p.y, p.moments.moments, s.n, s.out_h * s.out_w, s.o, p.moments.groups, p.dtype});
}
void conv2d_dgrad_ref(const Context&, const Conv2dDgrad& p) {
  visit_float(p.dtype, "conv2d_dgrad", [&]<class T>() { dgrad<T>(p); });
}
void conv2d_wgrad_ref(const Context&, const Conv2dWgrad& p) {
  visit_float(p.dtype, "conv2d_wgrad", [&]<class T>() { wgrad<T>(p); });
}

}  // namespace kintsugi::cpu
