// LPIPS v0.1 on VGG16 (Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018), as a
// metric and as the training loss of CodeFormer.
#pragma once
#include <vector>

#include "models/losses/perceptual.h"

namespace kintsugi {

struct LpipsResult {
  Var distance;                // [N]
  std::vector<Var> per_layer;  // five of [N], which distance sums
};

/// Features after relu1_2, 2_2, 3_3, 4_3 and 5_3, divided by their channel norm; squared differences, weighted per channel by
/// lin<k>, averaged over positions and summed over layers. Parameters (all frozen): net.slice<k>.<i>.weight/bias,
/// lin<k>.model.1.weight.
struct Lpips {
  Vgg net;
  std::vector<Conv2d> lin;
  explicit Lpips(Scope s) : Lpips(s / "net", VggNames::slices, s) {}
  /// With trunk and heads in scopes of their own, e.g. a torchvision VGG16 ("features.0.weight") beside the published heads.
  Lpips(Scope trunk, VggNames names, Scope heads);
  /// Images [N,H,W,3] in [-1,1], at least 16 pixels on a side.
  LpipsResult operator()(const Var& x, const Var& y) const;
};

/// The training loss: mean over the batch. The released code hands LPIPS images that are already normalised by ImageNet's mean
/// and std, so its own scaling comes on top; reproduced here, for the published weights were trained so.
struct LpipsLoss {
  Lpips lpips;
  double weight = 1;
  bool use_input_norm = true;
  bool range_norm = true;
  explicit LpipsLoss(Scope s) : lpips(s) {}
  Var operator()(const Var& output, const Tensor& target) const;
  ImageLoss as_image_loss() const {
    return [loss = *this](const Var& output, const Tensor& target) { return loss(output, target); };
  }
};

}  // namespace kintsugi
