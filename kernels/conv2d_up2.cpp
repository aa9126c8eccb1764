#include "kernels/conv2d_up2.h"

namespace kintsugi {
namespace cpu {
void conv2d_up2_fwd_ref(const Context&, const Conv2dUp2Fwd&);
void conv2d_up2_fwd_fast(const Context&, const Conv2dUp2Fwd&);
void conv2d_up2_fwd_winograd(const Context&, const Conv2dUp2Fwd&);
}  // namespace cpu
namespace {

const char* needs_winograd(const Conv2dUp2Fwd& a) {
  if (a.c % 16 != 0 || a.o % 16 != 0 || a.c < 32 || a.o < 32) return "needs channels in multiples of 16, at least 32";
  if (a.h * a.w < 36) return "needs images of at least 36 pixels";
  return f32_only(a);
}

const Row<Conv2dUp2Fwd> rows[] = {
    {"winograd", DeviceKind::cpu, needs_winograd, cpu::conv2d_up2_fwd_winograd, "four convolutions by F(4x4, 2x2): 25 multiplications in place of 64 (SIMD)"},
    {"fast", DeviceKind::cpu, f32_only<Conv2dUp2Fwd>, cpu::conv2d_up2_fwd_fast, "four direct 2x2 convolutions (SIMD)"},
    {"ref", DeviceKind::cpu, takes_all<Conv2dUp2Fwd>, cpu::conv2d_up2_fwd_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<Conv2dUp2Fwd> conv2d_up2_fwd{"conv2d_up2_fwd", "y = up2(x) * w + bias", rows};

}  // namespace kintsugi
