// Smoothness of a displacement field, the regulariser of registration networks: forward differences, squared or absolute.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

enum class SmoothnessNorm : uint8_t { l1, l2 };

/// VoxelMorph's Grad: the mean of |difference| or difference^2 along rows and along columns, averaged over the two. flow is
/// [N,H,W,2] with H, W >= 2; a scalar. For a field that was integrated at half resolution multiply by the factor, as it does.
Var flow_smoothness(const Var& flow, SmoothnessNorm norm = SmoothnessNorm::l2);

/// CodeFormer++ eq. (10) as written: the sum over batch, pixels and components of the squared differences along both axes.
Var flow_roughness(const Var& flow);

}  // namespace kintsugi
