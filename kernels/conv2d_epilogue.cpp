#include "kernels/conv2d_epilogue.h"

#include "kernels/conv2d_refusals.h"

namespace kintsugi {
namespace cpu {
void conv2d_epilogue_fwd_ref(const Context&, const Conv2dEpilogueFwd&);
void conv2d_epilogue_fwd_parts(const Context&, const Conv2dEpilogueFwd&);
}  // namespace cpu
KIN_GPU_FUNCTION(conv2d_epilogue_fwd_wgmma, Conv2dEpilogueFwd);
KIN_GPU_FUNCTION(conv2d_epilogue_fwd_mma, Conv2dEpilogueFwd);
KIN_GPU_FUNCTION(conv2d_epilogue_fwd_pipelined, Conv2dEpilogueFwd);
KIN_GPU_FUNCTION(conv2d_epilogue_fwd_tile, Conv2dEpilogueFwd);
KIN_GPU_FUNCTION(conv2d_epilogue_fwd_parts, Conv2dEpilogueFwd);
namespace {

template <const char* (*needs)(const Conv2dFwd&)>
const char* conv_needs(const Conv2dEpilogueFwd& a) {
  if (a.conv.residual || a.conv.norm || a.conv.moments) return "needs a convolution without residual, norm of x or moments of y";
  return needs(a.conv);
}

const Row<Conv2dEpilogueFwd> rows[] = {
    KIN_GPU_ROW("wgmma", conv_needs<conv2d_needs_wgmma<Conv2dFwd>>, conv2d_epilogue_fwd_wgmma, "in the epilogue of conv2d_fwd's row of that name"),
    KIN_GPU_ROW("mma", conv_needs<conv2d_needs_bf16_lines<Conv2dFwd>>, conv2d_epilogue_fwd_mma, "in the epilogue of conv2d_fwd's row of that name"),
    KIN_GPU_ROW("pipelined", conv_needs<conv2d_needs_large_tiles<Conv2dFwd>>, conv2d_epilogue_fwd_pipelined, "in the epilogue of conv2d_fwd's row of that name"),
    KIN_GPU_ROW("tile", conv_needs<conv2d_needs_tiles<Conv2dFwd>>, conv2d_epilogue_fwd_tile, "in the epilogue of conv2d_fwd's row of that name"),
    KIN_GPU_ROW("parts", conv_needs<f32_or_bf16<Conv2dFwd>>, conv2d_epilogue_fwd_parts, "conv2d_fwd, then a pass over y"),
    {"parts", DeviceKind::cpu, conv_needs<f32_only<Conv2dFwd>>, cpu::conv2d_epilogue_fwd_parts, "conv2d_fwd, then a pass over y"},
    {"ref", DeviceKind::cpu, conv_needs<takes_all<Conv2dFwd>>, cpu::conv2d_epilogue_fwd_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<Conv2dEpilogueFwd> conv2d_epilogue_fwd{"conv2d_epilogue_fwd", "y = leaky_relu(x * w + bias), or (scale base + x * w + bias) strength + base", rows};

}  // namespace kintsugi
