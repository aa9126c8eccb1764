#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// Cosine triplet loss of CodeFormer++ (eq. 8): mean over the batch of softplus(c- - c+), where c+ and c- are the cosines of the anchor
/// with the positive and with the negative, each image's features taken as one long vector with norm at least eps (> 0).
/// The three have one shape [B,...] with B >= 1 and one dtype, f32 or f64. Scalar, in (0.12, 2.13); equal cosines give log 2.
/// Fused forward and backward; differentiable without end through its composed form.
Var cosine_triplet(const Var& positive, const Var& anchor, const Var& negative, double eps = 1e-12);

}  // namespace kintsugi
