// Local normalised cross-correlation (kernels/local_ncc.h) as a similarity of images. First derivatives only.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

struct LocalNcc {
  int64_t window = 9;       // odd
  bool zero_padded = true;  // off: only windows inside the image
  double eps = 1e-5;        // absolute, made for images in [0, 1]; with 0 a flat window is 0/0
};

/// a, b [N,H,W,C], channels apart, to the map of squared correlations in [0, 1], [N,H,W,C] or with whole windows only
/// [N,H-window+1,W-window+1,C]. VoxelMorph's loss is -mean of it; CodeFormer++ eq. (9) is -sum with eps 0. Gradients to both.
/// Throws Error when the shapes disagree or the window does not fit.
Var local_ncc(const Var& a, const Var& b, LocalNcc options = {});

}  // namespace kintsugi
