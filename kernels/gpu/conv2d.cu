// Rungs 2 and 3 of the convolutions, as implicit products on the fp32 units; docs/ladder.md has the climb.
#include "kernels/conv2d_refusals.h"
#include "kernels/gpu/conv2d_run.h"
#include "kernels/gpu/gemm_register.h"
#include "kernels/gpu/gemm_tile.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

template <class Args>
void run_tile(const Context& context, const Args& p, const char* op) {
  visit_f32_or_bf16(p.dtype, op, [&]<class T>() {
    run_conv2d<T, kTile, kTile>(context, p, [&](const auto& problem) { launch_tile(context, problem); });
  });
}

template <class Args>
void run_register(const Context& context, const Args& p) {
  run_conv2d<float, RegisterTile::kRows, RegisterTile::kColumns>(context, p, [&](const auto& problem) {
    if (conv2d_lines_of(p, 4)) launch_register<4>(context, problem);
    else launch_register<1>(context, problem);
  });
}

}  // namespace

void conv2d_fwd_tile(const Context& context, const Conv2dFwd& p) { run_tile(context, p, "conv2d_fwd"); }
void conv2d_dgrad_tile(const Context& context, const Conv2dDgrad& p) { run_tile(context, p, "conv2d_dgrad"); }
void conv2d_wgrad_tile(const Context& context, const Conv2dWgrad& p) { run_tile(context, p, "conv2d_wgrad"); }
void conv2d_fwd_register(const Context& context, const Conv2dFwd& p) { run_register(context, p); }
void conv2d_dgrad_register(const Context& context, const Conv2dDgrad& p) { run_register(context, p); }
void conv2d_wgrad_register(const Context& context, const Conv2dWgrad& p) { run_register(context, p); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
