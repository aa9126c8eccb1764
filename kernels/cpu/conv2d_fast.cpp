// conv2d_fwd and conv2d_dgrad, f32: which of the fast ways a convolution takes.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/conv2d.h"
#include "kernels/cpu/conv2d_direct.h"
#include "kernels/matmul.h"

namespace kintsugi::cpu {

void matmul_fast(const Context&, const Matmul&);

namespace {

// Every output pixel is a dot product of one whole row of x with the weights: a kernel of one tap, or as large as the image.
bool is_product(const ConvShape& s) {
  if (s.groups != 1 || s.top != 0 || s.left != 0) return false;
  const bool pixel = s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.out_h == s.h && s.out_w == s.w;
  const bool image = s.kh == s.h && s.kw == s.w && s.dilation_h == 1 && s.dilation_w == 1 && s.out_h == 1 && s.out_w == 1;
  return pixel || image;
}

// The part of a stride along one axis that input positions of one phase see: position = first + stride * index, taps
// phase, phase + stride, ... in falling order, `before` zeros in front of gy.
struct Phase {
  int64_t taps, last_tap, first, count, before;
  Phase(int64_t phase, int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
    taps = phase < kernel ? (kernel - phase + stride - 1) / stride : 0;
    last_tap = phase + stride * std::max<int64_t>(0, taps - 1);
    // Index q of padded position stride * q + phase; the first one inside the image
    const int64_t q0 = (pad - phase + stride - 1 + stride * (size + kernel)) / stride - (size + kernel);
    first = stride * q0 + phase - pad;
    count = first < size ? (size - first + stride - 1) / stride : 0;
    before = (taps - 1) * dilation - q0;
  }
};

bool is_depthwise(const ConvShape& s) { return s.groups > 1 && s.c == s.groups && s.o == s.groups; }

void convolve_best(const Gemm& g, const Direct& d, bool depthwise) {
  if (depthwise) convolve_depthwise(d);
  else if (few_outputs(d)) convolve_few_outputs(g, d);
  else convolve(g, d);
}

// Calls run for every channel group; all groups at once when depthwise.
template <class Run>
void for_each_group(const Conv2dFwd& p, Run&& run) {
  const ConvShape& s = p.shape;
  const bool depthwise = is_depthwise(s);
  const int64_t groups = depthwise ? 1 : s.groups, filter = s.kh * s.kw * s.c / s.groups;
  const int64_t cg = s.c / groups, og = s.o / groups;
  const ChannelNorms norms(p.norm, s.n, s.c);
  for (int64_t group = 0; group < groups; ++group) {
    Direct d{};
    d.x = {static_cast<const float*>(p.x) + group * cg, s.h, s.w, s.c, cg};
    if (p.norm) d.x.norm = norms.view().at(0, group * cg);
    d.images = s.n;
    d.x_image = s.h * s.w * s.c;
    d.kh = s.kh;
    d.kw = s.kw;
    d.stride_h = s.stride_h;
    d.stride_w = s.stride_w;
    d.dilation_h = s.dilation_h;
    d.dilation_w = s.dilation_w;
    d.top = s.top;
    d.left = s.left;
    d.w = static_cast<const float*>(p.w) + group * og * filter;
    d.w_o = filter;
    d.w_r = s.kw * (s.c / s.groups);
    d.w_s = s.c / s.groups;
    d.w_c = 1;
    d.bias = p.bias ? static_cast<const float*>(p.bias) + group * og : nullptr;
    d.residual = p.residual ? static_cast<const float*>(p.residual) + group * og : nullptr;
    d.y = static_cast<float*>(p.y) + group * og;
    d.out_h = s.out_h;
    d.out_w = s.out_w;
    d.o = og;
    d.y_image = s.out_h * s.out_w * s.o;
    d.y_row = s.out_w * s.o;
    d.y_pixel = s.o;
    run(d);
  }
}

// gx at padded position stride * q + phase meets gy at q - j through tap phase + stride * j: per phase a stride-1 convolution
// of gy with every stride-th tap, flipped.
template <class Run>
void for_each_group(const Conv2dDgrad& p, Run&& run) {
  const ConvShape& s = p.shape;
  const bool depthwise = is_depthwise(s);
  const int64_t groups = depthwise ? 1 : s.groups, filter = s.kh * s.kw * s.c / s.groups;
  const int64_t cg = s.c / groups, og = s.o / groups;
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t phase = 0; phase < s.stride_h * s.stride_w; ++phase) {
      const Phase v(phase / s.stride_w, s.h, s.kh, s.stride_h, s.dilation_h, s.top);
      const Phase u(phase % s.stride_w, s.w, s.kw, s.stride_w, s.dilation_w, s.left);
      const bool any = v.taps > 0 && u.taps > 0;
      Direct d{};
      d.x = {static_cast<const float*>(p.gy) + group * og, s.out_h, s.out_w, s.o, og};
      d.images = s.n;
      d.x_image = s.out_h * s.out_w * s.o;
      d.kh = any ? v.taps : 0;
      d.kw = any ? u.taps : 0;
      d.stride_h = d.stride_w = 1;
      d.dilation_h = s.dilation_h;
      d.dilation_w = s.dilation_w;
      d.top = v.before;
      d.left = u.before;
      d.w = static_cast<const float*>(p.w) + group * og * filter + (v.last_tap * s.kw + u.last_tap) * (s.c / s.groups);
      d.w_o = depthwise ? filter : 1;
      d.w_r = -s.stride_h * s.kw * (s.c / s.groups);
      d.w_s = -s.stride_w * (s.c / s.groups);
      d.w_c = filter;
      d.bias = p.bias ? static_cast<const float*>(p.bias) + group * cg : nullptr;
      d.y = static_cast<float*>(p.gx) + (v.first * s.w + u.first) * s.c + group * cg;
      d.out_h = v.count;
      d.out_w = u.count;
      d.o = cg;
      d.y_image = s.h * s.w * s.c;
      d.y_row = s.stride_h * s.w * s.c;
      d.y_pixel = s.stride_w * s.c;
      run(d);
    }
}

void add(float* y, const float* residual, int64_t count) {
  parallel_for(count, grain_for(1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] += residual[i];
  });
}

// Where no better place for it was: another pass over y.
void measure_result(const Context& context, const Conv2dFwd& p) {
  const ConvShape& s = p.shape;
  if (p.moments) group_moments_fast(context, {p.y, p.moments.moments, s.n, s.out_h * s.out_w, s.o, p.moments.groups});
}

void winograd(const Context& context, const Conv2dFwd& p, Winograd form) {
  const bool within = p.moments && p.shape.groups == 1;
  PieceMoments moments(p.shape.o);
  for_each_group(p, [&, g = gemm()](Direct d) {
    if (within) d.moments = &moments;
    convolve_winograd(g, d, form);
  });
  if (within) moments.merge(p.shape.n, p.moments);
  else measure_result(context, p);
}

}  // namespace

void conv2d_fwd_fast(const Context& context, const Conv2dFwd& p) {
  const ConvShape& s = p.shape;
  const bool accumulate = p.residual && p.residual == p.y;
  if (is_product(s) && !p.norm) {
    Matmul product{p.x, p.w, p.y, p.bias};
    product.m = s.n * s.out_h * s.out_w;
    product.n = s.o;
    product.k = s.kh * s.kw * s.c;
    product.tb = true;
    product.accumulate = accumulate;
    matmul_fast(context, product);
  } else {
    for_each_group(p, [g = gemm(), depthwise = is_depthwise(s), accumulate](Direct d) {
      d.accumulate = accumulate;
      convolve_best(g, d, depthwise);
    });
  }
  if (p.residual && !accumulate) add(static_cast<float*>(p.y), static_cast<const float*>(p.residual), s.n * s.out_h * s.out_w * s.o);
  measure_result(context, p);
}

void conv2d_dgrad_fast(const Context& context, const Conv2dDgrad& p) {
  const ConvShape& s = p.shape;
  if (is_product(s) && (!p.bias || s.kh * s.kw == 1)) {
    Matmul product{p.gy, p.w, p.gx, p.bias};
    product.m = s.n * s.out_h * s.out_w;
    product.n = s.kh * s.kw * s.c;
    product.k = s.o;
    return matmul_fast(context, product);
  }
  for_each_group(p, [g = gemm(), depthwise = is_depthwise(s)](const Direct& d) { convolve_best(g, d, depthwise); });
}

void conv2d_fwd_winograd(const Context& context, const Conv2dFwd& p) { winograd(context, p, Winograd::f2x2_3x3); }
void conv2d_fwd_winograd4(const Context& context, const Conv2dFwd& p) { winograd(context, p, Winograd::f4x4_3x3); }
void conv2d_dgrad_winograd(const Context&, const Conv2dDgrad& p) {
  for_each_group(p, [g = gemm()](const Direct& d) { convolve_winograd(g, d, Winograd::f2x2_3x3); });
}

}  // namespace kintsugi::cpu
