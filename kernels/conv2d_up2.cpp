#include "kernels/conv2d_up2.h"

#include "kernels/conv2d_refusals.h"

namespace kintsugi {
namespace cpu {
void conv2d_up2_fwd_ref(const Context&, const Conv2dUp2Fwd&);
void conv2d_up2_fwd_fast(const Context&, const Conv2dUp2Fwd&);
void conv2d_up2_fwd_winograd(const Context&, const Conv2dUp2Fwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(conv2d_up2_fwd_wgmma, Conv2dUp2Fwd);
KIN_GPU_FUNCTION(conv2d_up2_fwd_mma, Conv2dUp2Fwd);
KIN_GPU_FUNCTION(conv2d_up2_fwd_pipelined, Conv2dUp2Fwd);
KIN_GPU_FUNCTION(conv2d_up2_fwd_tile, Conv2dUp2Fwd);
KIN_GPU_FUNCTION(conv2d_up2_fwd_naive, Conv2dUp2Fwd);
namespace {

const char* needs_winograd(const Conv2dUp2Fwd& a) {
  if (a.c % 16 != 0 || a.o % 16 != 0 || a.c < 32 || a.o < 32) return "needs channels in multiples of 16, at least 32";
  if (a.h * a.w < 36) return "needs images of at least 36 pixels";
  return f32_only(a);
}

const char* plain(const Conv2dUp2Fwd& a) { return a.moments ? "leaves no moments of y" : f32_or_bf16(a); }

// What a GPU row that runs the four phases takes is what it takes of one of them, whose weights are a copy of its own.
template <const char* (*needs)(const Conv2dFwd&)>
const char* phases_need(const Conv2dUp2Fwd& a) {
  if (const char* why = f32_or_bf16(a)) return why;
  if (4 * a.n * a.h * a.w >= (int64_t(1) << 31) - 1024) return "needs fewer than 2^31 pixels";
  Conv2dFwd phase{};
  phase.shape.n = a.n, phase.shape.h = phase.shape.out_h = a.h, phase.shape.w = phase.shape.out_w = a.w;
  phase.shape.c = a.c, phase.shape.o = a.o, phase.shape.kh = phase.shape.kw = 2;
  phase.x = a.x;
  phase.dtype = a.dtype;
  return needs(phase);
}
template <const char* (*needs)(const Conv2dFwd&)>
const char* phases_fit(const Conv2dUp2Fwd& a) {
  const char* why = plain(a);
  return why ? why : phases_need<needs>(a);
}
/// For rows that leave moments of y as well, as in kernels/conv2d.cpp.
template <const char* (*needs)(const Conv2dFwd&)>
const char* leaves_by_patch(const Conv2dUp2Fwd& a) {
  const char* why = leaves_no_moments(a.moments, a.y, a.o, a.dtype);
  return why ? why : phases_need<needs>(a);
}
template <const char* (*needs)(const Conv2dFwd&)>
const char* leaves_by_tile(const Conv2dUp2Fwd& a) {
  const char* why = tile_spans_images(a.moments, a.h * a.w);
  return why ? why : leaves_by_patch<needs>(a);
}

const Row<Conv2dUp2Fwd> rows[] = {
    KIN_GPU_ROW("wgmma", leaves_by_patch<conv2d_needs_wgmma<Conv2dFwd>>, conv2d_up2_fwd_wgmma, "four 2x2 convolutions, bf16 tensor cores by warpgroup (wgmma) fed by TMA"),
    KIN_GPU_ROW("mma", leaves_by_tile<conv2d_needs_bf16_lines<Conv2dFwd>>, conv2d_up2_fwd_mma, "four 2x2 convolutions in one launch, bf16 tensor cores by warp (mma.sync)"),
    KIN_GPU_ROW("pipelined", leaves_by_tile<conv2d_needs_large_tiles<Conv2dFwd>>, conv2d_up2_fwd_pipelined, "four 2x2 convolutions in one launch, cp.async in four stages"),
    KIN_GPU_ROW("tile", phases_fit<conv2d_needs_tiles<Conv2dFwd>>, conv2d_up2_fwd_tile, "four 2x2 convolutions in one launch, 16 x 16 tiles in shared memory"),
    KIN_GPU_ROW("naive", plain, conv2d_up2_fwd_naive, "one thread per output, nine taps"),
    {"winograd", DeviceKind::cpu, needs_winograd, cpu::conv2d_up2_fwd_winograd, "four convolutions by F(4x4, 2x2): 25 multiplications in place of 64 (SIMD)"},
    {"fast", DeviceKind::cpu, f32_only<Conv2dUp2Fwd>, cpu::conv2d_up2_fwd_fast, "four direct 2x2 convolutions (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Conv2dUp2Fwd>, cpu::conv2d_up2_fwd_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<Conv2dUp2Fwd> conv2d_up2_fwd{"conv2d_up2_fwd", "y = up2(x) * w + bias", rows};

}  // namespace kintsugi
