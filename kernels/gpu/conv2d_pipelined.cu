// Rung 4 of the convolutions; docs/ladder.md has the climb.
#include "kernels/conv2d_refusals.h"
#include "kernels/gpu/conv2d_run.h"
#include "kernels/gpu/gemm_pipelined.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

template <class Args, class Problem>
void launch_for(const Context& context, const Args& p, const Problem& problem) {
  if (conv2d_lines_of(p, 4)) launch_pipelined<4>(context, problem);
  else launch_pipelined<1>(context, problem);
}

template <class Args>
void run_pipelined(const Context& context, const Args& p) {
  run_conv2d<float, RegisterTile::kRows, RegisterTile::kColumns>(context, p, [&](const auto& problem) { launch_for(context, p, problem); });
}

}  // namespace

void conv2d_fwd_pipelined(const Context& context, const Conv2dFwd& p) {
  if (!p.moments) return run_pipelined(context, p);
  run_conv2d_with_moments<float, RegisterTile::kRows>(context, p, [&](const auto& problem) { launch_for(context, p, problem); });
}
void conv2d_dgrad_pipelined(const Context& context, const Conv2dDgrad& p) { run_pipelined(context, p); }
void conv2d_wgrad_pipelined(const Context& context, const Conv2dWgrad& p) { run_pipelined(context, p); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
