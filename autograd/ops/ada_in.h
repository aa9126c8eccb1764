// Adaptive instance normalisation (Huang and Belongie, ICCV 2017): statistics per sample and channel over the positions.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

struct MeanStd {
  Var mean, std;  // x's shape with every axis between the first and the last of length 1
};
/// x [N, ..., C] with at least two positions. std = sqrt(unbiased variance + eps). Differentiable without end.
MeanStd mean_std(const Var& x, double eps = 1e-5);

/// content, moved to the mean and std of style: (c - mean_c) / std_c * std_s + mean_s. N and C of both must agree, the
/// positions may differ.
Var ada_in(const Var& content, const Var& style, double eps = 1e-5);

}  // namespace kintsugi
