#include "kernels/conv2d.h"

#include "kernels/conv2d_refusals.h"

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
KIN_GPU_FUNCTION(conv2d_fwd_naive, Conv2dFwd);
KIN_GPU_FUNCTION(conv2d_dgrad_naive, Conv2dDgrad);
KIN_GPU_FUNCTION(conv2d_wgrad_naive, Conv2dWgrad);
KIN_GPU_FUNCTION(conv2d_fwd_tile, Conv2dFwd);
KIN_GPU_FUNCTION(conv2d_dgrad_tile, Conv2dDgrad);
KIN_GPU_FUNCTION(conv2d_wgrad_tile, Conv2dWgrad);
KIN_GPU_FUNCTION(conv2d_fwd_register, Conv2dFwd);
KIN_GPU_FUNCTION(conv2d_dgrad_register, Conv2dDgrad);
KIN_GPU_FUNCTION(conv2d_wgrad_register, Conv2dWgrad);
KIN_GPU_FUNCTION(conv2d_fwd_pipelined, Conv2dFwd);
KIN_GPU_FUNCTION(conv2d_dgrad_pipelined, Conv2dDgrad);
KIN_GPU_FUNCTION(conv2d_wgrad_pipelined, Conv2dWgrad);
KIN_GPU_FUNCTION(conv2d_fwd_mma, Conv2dFwd);
KIN_GPU_FUNCTION(conv2d_dgrad_mma, Conv2dDgrad);
KIN_GPU_FUNCTION(conv2d_wgrad_mma, Conv2dWgrad);
KIN_GPU_FUNCTION(conv2d_fwd_wgmma, Conv2dFwd);
KIN_GPU_FUNCTION(conv2d_fwd_cluster, Conv2dFwd);
KIN_GPU_FUNCTION(conv2d_dgrad_wgmma, Conv2dDgrad);
KIN_GPU_FUNCTION(conv2d_dgrad_cluster, Conv2dDgrad);
KIN_GPU_FUNCTION(conv2d_wgrad_wgmma, Conv2dWgrad);
KIN_GPU_FUNCTION(conv2d_fwd_tf32, Conv2dFwd);
KIN_GPU_FUNCTION(conv2d_dgrad_tf32, Conv2dDgrad);
KIN_GPU_FUNCTION(conv2d_wgrad_tf32, Conv2dWgrad);
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

const char* needs_other_residual(const Conv2dFwd& a) {
  if (a.residual && a.residual == a.y && a.shape.groups > 1) return "needs y apart from residual where there are groups";
  return f32_only(a);
}

const char* takes_x_plain(const Conv2dFwd& a) {
  if (a.norm) return "takes no norm of x on the way in";
  return a.residual && a.residual == a.y ? "needs y apart from residual" : nullptr;
}
/// For rows that know the convolution alone.
template <const char* (*refuses)(const Conv2dFwd&)>
const char* plain(const Conv2dFwd& a) {
  if (const char* why = takes_x_plain(a)) return why;
  return a.moments ? "leaves no moments of y" : refuses(a);
}
/// For rows that leave moments of y as well: from patches of pixels, or from tiles of them in the order of memory.
template <const char* (*refuses)(const Conv2dFwd&)>
const char* leaves_by_patch(const Conv2dFwd& a) {
  if (const char* why = takes_x_plain(a)) return why;
  if (const char* why = leaves_no_moments(a.moments, a.y, a.shape.o, a.dtype)) return why;
  return refuses(a);
}
template <const char* (*refuses)(const Conv2dFwd&)>
const char* leaves_by_tile(const Conv2dFwd& a) {
  if (a.moments && a.shape.groups > 1) return "leaves no moments of y where there are groups";
  if (const char* why = tile_spans_images(a.moments, a.shape.out_h * a.shape.out_w)) return why;
  return leaves_by_patch<refuses>(a);
}

const Row<Conv2dFwd> fwd_rows[] = {
    KIN_GPU_ROW("wgmma", leaves_by_patch<conv2d_needs_wgmma<Conv2dFwd>>, conv2d_fwd_wgmma, "implicit product, bf16 tensor cores by warpgroup (wgmma) fed by TMA, persistent"),
    KIN_GPU_ROW("cluster", leaves_by_patch<conv2d_needs_wgmma<Conv2dFwd>>, conv2d_fwd_cluster, "the same in tiles of 256 x 128 or their like, weights loaded once for two blocks"),
    KIN_GPU_ROW("mma", leaves_by_tile<conv2d_needs_bf16_lines<Conv2dFwd>>, conv2d_fwd_mma, "implicit product, bf16 tensor cores by warp (mma.sync)"),
    KIN_GPU_ROW("pipelined", leaves_by_tile<conv2d_needs_large_tiles<Conv2dFwd>>, conv2d_fwd_pipelined, "implicit product, cp.async in four stages"),
    KIN_GPU_ROW("register", plain<conv2d_needs_large_tiles<Conv2dFwd>>, conv2d_fwd_register, "implicit product, 8 x 8 outputs per thread, 16-byte loads"),
    KIN_GPU_ROW("tile", plain<conv2d_needs_tiles<Conv2dFwd>>, conv2d_fwd_tile, "implicit product, 16 x 16 tiles in shared memory"),
    KIN_GPU_ROW("naive", plain<f32_or_bf16<Conv2dFwd>>, conv2d_fwd_naive, "one thread per output"),
    KIN_GPU_ROW("tf32", plain<conv2d_needs_large_tiles<Conv2dFwd>>, conv2d_fwd_tf32, "tensor cores on f32 rounded to 10 bits: only by name"),
#ifdef KIN_CUDNN
    {"cudnn", DeviceKind::cuda, plain<vendor::cudnn_refuses_fwd>, vendor::conv2d_fwd_cudnn, "NVIDIA cuDNN, the heuristic's first deterministic choice, without TF32"},
#endif
    {"winograd4", DeviceKind::cpu, needs_winograd4, cpu::conv2d_fwd_winograd4, "F(4x4, 3x3): 36 in place of 144 (SIMD); rounds twice as much"},
    {"winograd", DeviceKind::cpu, needs_winograd<Conv2dFwd>, cpu::conv2d_fwd_winograd, "F(2x2, 3x3): 4 multiplications in place of 9 (SIMD)"},
    {"fast", DeviceKind::cpu, needs_other_residual, cpu::conv2d_fwd_fast, "direct, register tiles (SIMD); 1x1 as a matrix product"},
    {"ref", DeviceKind::cpu, takes_all<Conv2dFwd>, cpu::conv2d_fwd_ref, "plain loops, sums in f64"},
};
const Row<Conv2dDgrad> dgrad_rows[] = {
    KIN_GPU_ROW("wgmma", conv2d_needs_wgmma<Conv2dDgrad>, conv2d_dgrad_wgmma, "implicit product, bf16 tensor cores by warpgroup (wgmma) fed by TMA, persistent"),
    KIN_GPU_ROW("cluster", conv2d_needs_wgmma<Conv2dDgrad>, conv2d_dgrad_cluster, "the same in tiles of 256 x 128 or their like, weights loaded once for two blocks"),
    KIN_GPU_ROW("mma", conv2d_needs_bf16_lines<Conv2dDgrad>, conv2d_dgrad_mma, "implicit product, bf16 tensor cores by warp (mma.sync)"),
    KIN_GPU_ROW("pipelined", conv2d_needs_large_tiles<Conv2dDgrad>, conv2d_dgrad_pipelined, "implicit product, cp.async in four stages"),
    KIN_GPU_ROW("register", conv2d_needs_large_tiles<Conv2dDgrad>, conv2d_dgrad_register, "implicit product, 8 x 8 outputs per thread, 16-byte loads"),
    KIN_GPU_ROW("tile", conv2d_needs_tiles<Conv2dDgrad>, conv2d_dgrad_tile, "implicit product, 16 x 16 tiles in shared memory"),
    KIN_GPU_ROW("naive", f32_or_bf16<Conv2dDgrad>, conv2d_dgrad_naive, "one thread per output"),
    KIN_GPU_ROW("tf32", conv2d_needs_large_tiles<Conv2dDgrad>, conv2d_dgrad_tf32, "tensor cores on f32 rounded to 10 bits: only by name"),
#ifdef KIN_CUDNN
    {"cudnn", DeviceKind::cuda, vendor::cudnn_refuses_dgrad, vendor::conv2d_dgrad_cudnn, "NVIDIA cuDNN, the heuristic's first deterministic choice, without TF32"},
#endif
    {"winograd", DeviceKind::cpu, needs_winograd<Conv2dDgrad>, cpu::conv2d_dgrad_winograd, "F(2x2, 3x3) with flipped weights (SIMD)"},
    {"fast", DeviceKind::cpu, needs_phases, cpu::conv2d_dgrad_fast, "one stride-1 convolution per phase of the stride (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Conv2dDgrad>, cpu::conv2d_dgrad_ref, "plain loops, sums in f64"},
};
const Row<Conv2dWgrad> wgrad_rows[] = {
    KIN_GPU_ROW("wgmma", conv2d_needs_wgmma<Conv2dWgrad>, conv2d_wgrad_wgmma, "implicit product, bf16 tensor cores by warpgroup (wgmma) fed by TMA, persistent, pixels in fixed ranges"),
    KIN_GPU_ROW("mma", conv2d_needs_bf16_lines<Conv2dWgrad>, conv2d_wgrad_mma, "implicit product, bf16 tensor cores by warp (mma.sync), pixels in fixed ranges"),
    KIN_GPU_ROW("pipelined", conv2d_needs_large_tiles<Conv2dWgrad>, conv2d_wgrad_pipelined, "implicit product, cp.async in four stages, pixels in fixed ranges"),
    KIN_GPU_ROW("register", conv2d_needs_large_tiles<Conv2dWgrad>, conv2d_wgrad_register, "implicit product, 8 x 8 outputs per thread, 16-byte loads, pixels in fixed ranges"),
    KIN_GPU_ROW("tile", conv2d_needs_tiles<Conv2dWgrad>, conv2d_wgrad_tile, "implicit product, 16 x 16 tiles in shared memory, pixels in fixed ranges"),
    KIN_GPU_ROW("naive", f32_or_bf16<Conv2dWgrad>, conv2d_wgrad_naive, "one thread per output, pixels in fixed ranges"),
    KIN_GPU_ROW("tf32", conv2d_needs_large_tiles<Conv2dWgrad>, conv2d_wgrad_tf32, "tensor cores on f32 rounded to 10 bits: only by name"),
#ifdef KIN_CUDNN
    {"cudnn", DeviceKind::cuda, vendor::cudnn_refuses_wgrad, vendor::conv2d_wgrad_cudnn, "NVIDIA cuDNN, the heuristic's first deterministic choice, without TF32"},
#endif
    {"winograd", DeviceKind::cpu, needs_winograd<Conv2dWgrad>, cpu::conv2d_wgrad_winograd, "transpose of F(2x2, 3x3) (SIMD)"},
    {"fast", DeviceKind::cpu, f32_only<Conv2dWgrad>, cpu::conv2d_wgrad_fast, "product over pixels in fixed strips, summed in order (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Conv2dWgrad>, cpu::conv2d_wgrad_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<Conv2dFwd> conv2d_fwd{"conv2d_fwd", "y = norm(x) * w + bias + residual", fwd_rows};
const Family<Conv2dDgrad> conv2d_dgrad{"conv2d_dgrad", "gx = d sum(y gy) / dx (+ bias): the transposed convolution", dgrad_rows};
const Family<Conv2dWgrad> conv2d_wgrad{"conv2d_wgrad", "gw = d sum(y gy) / dw, gbias = sum gy", wgrad_rows};

}  // namespace kintsugi
