// The linear op behind every resize and average pooling, differentiable as often as wanted: its gradient is itself with
// the transposed weights.
#pragma once
#include <memory>

#include "autograd/var.h"
#include "kernels/resample_taps.h"

namespace kintsugi {

struct ResamplePlan {
  ResampleTaps rows, cols;
};

/// x [N, rows.in, cols.in, C] to [N, rows.out, cols.out, C]. `op` names the caller in errors and in the graph (a string literal).
/// Throws Error when x is not NHWC of the plan's size.
Var resample(const char* op, const Var& x, std::shared_ptr<const ResamplePlan> plan);

}  // namespace kintsugi
