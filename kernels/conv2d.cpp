#include "kernels/conv2d.h"

namespace kintsugi {
namespace cpu {
void conv2d_fwd_ref(const Context&, const Conv2dFwd&);
void conv2d_fwd_fast(const Context&, const Conv2dFwd&);
void conv2d_fwd_winograd(const Context&, const Conv2dFwd&);
void conv2d_fwd_winograd4(const Context&, const Conv2dFwd&);
void conv2d_dgrad_ref(const Context&, const Conv2dDgrad&);
void conv2d_dgrad_fast(const Context&, const Conv2dDgrad&);
void conv2d_dgrad_winograd(const Context&, const Conv2dDgrad&);
void conv2d_wgrad_ref(const Context&, const Conv2dWgrad&);
void conv2d_wgrad_fast(const Context&, const Conv2dWgrad&);
void conv2d_wgrad_winograd(const Context&, const Conv2dWgrad&);
}  // namespace cpu
#ifdef KIN_CUDNN
namespace vendor {
const char* cudnn_refuses_fwd(const Conv2dFwd&);
const char* cudnn_refuses_dgrad(const Conv2dDgrad&);
const char* cudnn_refuses_wgrad(const Conv2dWgrad&);
void conv2d_fwd_cudnn(const Context&, const Conv2dFwd&);
void conv2d_dgrad_cudnn(const Context&, const Conv2dDgrad&);
void conv2d_wgrad_cudnn(const Context&, const Conv2dWgrad&);
}  // namespace vendor
#endif
namespace {

const char* needs_phases(const Conv2dDgrad& a) {
  const ConvShape& s = a.shape;
  if ((s.stride_h > 1 && s.dilation_h > 1) || (s.stride_w > 1 && s.dilation_w > 1))
    return "cannot both stride and dilate along one axis";
  return f32_only(a);
}

template <class Args>
const char* needs_winograd(const Args& a) {
  const ConvShape& s = a.shape;
  if (s.kh != 3 || s.kw != 3 || s.stride_h != 1 || s.stride_w != 1 || s.dilation_h != 1 || s.dilation_w != 1)
    return "needs a 3x3 kernel, stride 1 and no dilation";
  const int64_t c = s.c / s.groups, o = s.o / s.groups;
  if (c % 16 != 0 || o % 16 != 0 || c < 32 || o < 32) return "needs channels in multiples of 16, at least 32";
  if (s.out_h * s.out_w < 36) return "needs images of at least 36 pixels";
  return f32_only(a);
}

const char* needs_winograd4(const Conv2dFwd& a) {
  if (a.precision != Precision::fast) return "rounds more than Precision::exact allows";
  return needs_winograd(a);
}

const Row<Conv2dFwd> fwd_rows[] = {
#ifdef KIN_CUDNN
    {"cudnn", DeviceKind::cuda, vendor::cudnn_refuses_fwd, vendor::conv2d_fwd_cudnn, "NVIDIA cuDNN, the heuristic's choice, without TF32"},
#endif
    {"winograd4", DeviceKind::cpu, needs_winograd4, cpu::conv2d_fwd_winograd4, "F(4x4, 3x3): 36 in place of 144 (SIMD); rounds twice as much"},
    {"winograd", DeviceKind::cpu, needs_winograd<Conv2dFwd>, cpu::conv2d_fwd_winograd, "F(2x2, 3x3): 4 multiplications in place of 9 (SIMD)"},
    {"fast", DeviceKind::cpu, f32_only<Conv2dFwd>, cpu::conv2d_fwd_fast, "direct, register tiles (SIMD); 1x1 as a matrix product"},
    {"ref", DeviceKind::cpu, takes_all<Conv2dFwd>, cpu::conv2d_fwd_ref, "plain loops, sums in f64"},
};
const Row<Conv2dDgrad> dgrad_rows[] = {
#ifdef KIN_CUDNN
    {"cudnn", DeviceKind::cuda, vendor::cudnn_refuses_dgrad, vendor::conv2d_dgrad_cudnn, "NVIDIA cuDNN, the heuristic's choice, without TF32", false},
#endif
    {"winograd", DeviceKind::cpu, needs_winograd<Conv2dDgrad>, cpu::conv2d_dgrad_winograd, "F(2x2, 3x3) with flipped weights (SIMD)"},
    {"fast", DeviceKind::cpu, needs_phases, cpu::conv2d_dgrad_fast, "one stride-1 convolution per phase of the stride (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Conv2dDgrad>, cpu::conv2d_dgrad_ref, "plain loops, sums in f64"},
};
const Row<Conv2dWgrad> wgrad_rows[] = {
#ifdef KIN_CUDNN
    {"cudnn", DeviceKind::cuda, vendor::cudnn_refuses_wgrad, vendor::conv2d_wgrad_cudnn, "NVIDIA cuDNN, the heuristic's choice, without TF32", false},
#endif
    {"winograd", DeviceKind::cpu, needs_winograd<Conv2dWgrad>, cpu::conv2d_wgrad_winograd, "transpose of F(2x2, 3x3) (SIMD)"},
    {"fast", DeviceKind::cpu, f32_only<Conv2dWgrad>, cpu::conv2d_wgrad_fast, "product over pixels in fixed strips, summed in order (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Conv2dWgrad>, cpu::conv2d_wgrad_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<Conv2dFwd> conv2d_fwd{"conv2d_fwd", "y = x * w + bias + residual", fwd_rows};
const Family<Conv2dDgrad> conv2d_dgrad{"conv2d_dgrad", "gx = d sum(y gy) / dx (+ bias): the transposed convolution", dgrad_rows};
const Family<Conv2dWgrad> conv2d_wgrad{"conv2d_wgrad", "gw = d sum(y gy) / dw, gbias = sum gy", wgrad_rows};

}  // namespace kintsugi
