// VGG16 and VGG19 (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015) as
// feature extractors: convolutions 3x3, each followed by a ReLU, five stages with max pooling 2x2 between. Used with fixed,
// pretrained weights.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "nn/layers.h"

namespace kintsugi {

enum class VggDepth : uint8_t { vgg16, vgg19 };

/// How a convolution's parameters are called.
enum class VggNames : uint8_t {
  layers,    // conv1_1, conv1_2, ...: the VGG19 of PerceptualLoss (its scope is "vgg_net")
  features,  // features.0, features.2, ...: torchvision
  slices,    // slice1.0, slice1.2, slice2.5, ...: the VGG16 of LPIPS (its scope is "net")
};

/// Image [N,H,W,3], normalised by the caller, to named features: "conv3_4" is the third stage's fourth convolution before its
/// ReLU, "relu3_4" after it. Parameters are registered frozen.
class Vgg {
 public:
  /// The network ends after `last`, a name as above: what lies behind it is neither registered nor computed.
  Vgg(Scope s, VggDepth depth, VggNames names, const std::string& last);

  /// The features asked for. Throws Error for a name this network does not have.
  std::map<std::string, Var> operator()(const Var& x, const std::vector<std::string>& wanted) const;
  /// Whether `name` is a feature of this network.
  bool has(const std::string& name) const;

 private:
  struct Layer {
    std::string suffix;  // "3_4"
    bool pool_before;
    Conv2d conv;
  };
  std::vector<Layer> layers_;
  std::shared_ptr<Mode> mode_;
};

/// (x - mean) / std per channel; x [..., C]. ImageNet's for images in [0,1] is imagenet_normalize.
Var normalize_channels(const Var& x, const std::vector<double>& mean, const std::vector<double>& std);
Var imagenet_normalize(const Var& x);

}  // namespace kintsugi
