// Vector rows of kernels/cpu/mean_loss.simd.cpp.
#pragma once
#include "kernels/base/simd.h"
#include "kernels/mean_loss_kind.h"

namespace kintsugi {
/// sum f(a[i] - b[i]), i < n.
KIN_SIMD_DECLARE(double, mean_loss_sum, MeanLossKind kind, float param, const float* a, const float* b, int64_t n)
/// ga[i] = g f'(a[i] - b[i]), gb[i] = -ga[i]; either may be null.
KIN_SIMD_DECLARE(void, mean_loss_slope, MeanLossKind kind, float param, float g, const float* a, const float* b, float* ga, float* gb, int64_t n)
}  // namespace kintsugi
