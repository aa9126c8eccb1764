// A convolution as the fast rows see it: one channel group of the forward pass, or one phase of the input gradient.
#pragma once
#include "kernels/cpu/conv2d_rows.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/group_moments.h"

namespace kintsugi::cpu {

struct Direct {
  ImageView x;              // of image 0
  int64_t images, x_image;  // floats from one image to the next
  int64_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
  int64_t top, left;        // padding; may be negative
  const float* w;           // weight (o, r, s, c): w[o * w_o + r * w_r + s * w_s + c * w_c]; kh = 0: no weights
  int64_t w_o, w_r, w_s, w_c;
  const float* bias;        // [o] or null
  const float* residual;    // laid out as y, or y itself, or null; see convolve_winograd
  float* y;                 // pixel (0, 0) of image 0; may be every stride-th pixel of a larger image
  int64_t out_h, out_w, o, y_image, y_row, y_pixel;
  bool accumulate;          // y += in place of y =; not for depthwise and Winograd
  PieceMoments* moments;    // where the result's sums go, or null; Winograd only

  ImageView image(int64_t i) const {
    ImageView view = x;
    view.data += i * x_image;
    view.norm = x.norm.at(i);
    return view;
  }
};

/// Input pixels along one axis under `outputs` neighbouring outputs.
inline int64_t extent(int64_t outputs, int64_t stride, int64_t taps, int64_t dilation) {
  return taps == 0 ? 0 : (outputs - 1) * stride + (taps - 1) * dilation + 1;
}

/// Any convolution of one group.
void convolve(const Gemm& g, const Direct& d);

constexpr int64_t kFewOutputs = 4;
/// The same for stride 1 and a few outputs, which would leave most columns of a tile unused: the taps become columns as well.
void convolve_few_outputs(const Gemm& g, const Direct& d);
inline bool few_outputs(const Direct& d) {
  return d.stride_h == 1 && d.stride_w == 1 && d.o <= kFewOutputs && d.kh * d.kw > 1 && d.kh * d.kw * d.o <= 64 && d.x.c >= 16;
}

enum class Winograd { f2x2_3x3, f4x4_3x3, f4x4_2x2 };
/// The same for the form's kernel size, stride 1, no dilation, and channels (x.c and o) that are multiples of 16; adds d.residual and
/// fills d.moments.
void convolve_winograd(const Gemm& g, const Direct& d, Winograd form);

/// One input and one output channel per group, all groups at once: x.c = o = the number of groups, weight (o, r, s) without c.
void convolve_depthwise(const Direct& d);

}  // namespace kintsugi::cpu
