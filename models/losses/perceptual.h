// Distance of VGG19 features (Johnson et al., "Perceptual losses for real-time style transfer and super-resolution", ECCV 2016).
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/backbones/vgg.h"

namespace kintsugi {

/// loss(output, target) -> scalar; how the training stages see any perceptual loss.
using ImageLoss = std::function<Var(const Var& output, const Tensor& target)>;

enum class FeatureDistance : uint8_t {
  l1,   // mean absolute difference
  mse,  // mean squared difference
  fro,  // Frobenius norm of the difference, not averaged
};

struct PerceptualArgs {
  std::vector<std::pair<std::string, double>> layer_weights = {
      {"conv1_2", 0.1}, {"conv2_2", 0.1}, {"conv3_4", 1}, {"conv4_4", 1}, {"conv5_4", 1}};
  double perceptual_weight = 1;
  double style_weight = 0;
  FeatureDistance distance = FeatureDistance::l1;
  bool range_norm = false;     // images are in [-1,1]: map them to [0,1] first
  bool use_input_norm = true;  // then ImageNet's mean and std
};

struct PerceptualResult {
  Var perceptual;  // empty when its weight is 0
  Var style;       // likewise
};

/// perceptual = weight sum_k w_k dist(f_k(x), f_k(target)), style the same of Gram matrices f^T f / (C H W). Parameters: scope /
/// "vgg_net".
struct PerceptualLoss {
  PerceptualArgs args;
  Vgg vgg_net;
  PerceptualLoss(Scope s, const PerceptualArgs& args);
  /// x [N,H,W,3]; the target carries no gradient.
  PerceptualResult operator()(const Var& x, const Tensor& target) const;
  /// The sum of what is switched on.
  ImageLoss as_image_loss() const;
};

}  // namespace kintsugi
