// The patch discriminator of stage I and III (Isola et al., "Image-to-image translation with conditional adversarial networks",
// CVPR 2017).
#pragma once
#include <string>
#include <vector>

#include "nn/layers.h"

namespace kintsugi {

struct DiscriminatorArgs {
  int64_t nc = 3;    // image channels
  int64_t ndf = 64;  // width of the first layer; layer n has ndf min(2^n, 8)
  int n_layers = 4;
};
std::string to_json(const DiscriminatorArgs& args);
DiscriminatorArgs discriminator_args_from_json(const std::string& json);

/// Image [N,H,W,nc] to a map of raw scores [N,h,w,1]: n_layers convolutions 4x4 of stride 2, one more of stride 1, and the
/// score's, LeakyReLU 0.2 between, BatchNorm on all but the first and the last. n_layers = 4 needs images of at least 64 pixels.
/// Numbered as PyTorch's Sequential of convolutions, norms and activations.
struct Discriminator {
  struct Layer {
    Conv2d conv;
    BatchNorm2d norm;
  };
  Conv2d first;
  std::vector<Layer> layers;
  Conv2d score;
  std::shared_ptr<Mode> mode;
  Discriminator(Scope s, const DiscriminatorArgs& args = {});
  Var operator()(const Var& x) const;
};

inline constexpr const char* kDiscriminatorKind = "vqgan_discriminator";

}  // namespace kintsugi
