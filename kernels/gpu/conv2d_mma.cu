// Rung 5 of the convolutions: mma.sync on bf16, and on f32 rounded to tf32; docs/ladder.md has the climb.
#include "kernels/conv2d_refusals.h"
#include "kernels/gpu/conv2d_run.h"
#include "kernels/gpu/gemm_mma.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

template <class Args>
void run_bf16(const Context& context, const Args& p) {
  using Tile = MmaTile<bf16>;
  run_conv2d<bf16, Tile::kRows, Tile::kColumns>(context, p, [&](const auto& problem) { launch_mma<8>(context, problem); });
}

template <class Args>
void run_tf32(const Context& context, const Args& p) {
  using Tile = MmaTile<float>;
  run_conv2d<float, Tile::kRows, Tile::kColumns>(context, p, [&](const auto& problem) {
    if (conv2d_lines_of(p, 4)) launch_mma<4>(context, problem);
    else launch_mma<1>(context, problem);
  });
}

}  // namespace

void conv2d_fwd_mma(const Context& context, const Conv2dFwd& p) {
  if (!p.moments) return run_bf16(context, p);
  run_conv2d_with_moments<bf16, MmaTile<bf16>::kRows>(context, p, [&](const auto& problem) { launch_mma<8>(context, problem); });
}
void conv2d_dgrad_mma(const Context& context, const Conv2dDgrad& p) { run_bf16(context, p); }
void conv2d_wgrad_mma(const Context& context, const Conv2dWgrad& p) { run_bf16(context, p); }
void conv2d_fwd_tf32(const Context& context, const Conv2dFwd& p) { run_tf32(context, p); }
void conv2d_dgrad_tf32(const Context& context, const Conv2dDgrad& p) { run_tf32(context, p); }
void conv2d_wgrad_tf32(const Context& context, const Conv2dWgrad& p) { run_tf32(context, p); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
