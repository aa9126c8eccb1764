// The networks of a recipe.
#pragma once
#include <memory>

#include "apps/train/recipe.h"
#include "apps/train/validate.h"
#include "models/codeformer/codeformer.h"
#include "models/losses/perceptual.h"
#include "models/vqgan/discriminator.h"

namespace kintsugi {

VqganArgs vqgan_args(const Recipe& recipe);
CodeFormerArgs codeformer_args(const Recipe& recipe);
DiscriminatorArgs discriminator_args(const Recipe& recipe);

/// A network with its store; modules keep handles into the store, so the two stay together.
template <class Net, class Args>
struct Built {
  std::shared_ptr<ParameterStore> store;
  std::shared_ptr<const Net> net;
  Built(const Args& args, uint64_t seed, Device device)
      : store(std::make_shared<ParameterStore>(StoreOptions{.seed = seed, .device = device})), net(std::make_shared<const Net>(store->root(), args)) {}
};
using Vqgan = Built<VQAutoEncoder, VqganArgs>;
using Former = Built<CodeFormer, CodeFormerArgs>;
using Critic = Built<Discriminator, DiscriminatorArgs>;

/// What judges images by a network's features; weights come from the person, never from us.
struct ImageJudges {
  ImageLoss perceptual;  // the recipe's loss; empty for "none"
  ImageMetric lpips;     // LPIPS with its own scaling and nothing before it, to measure with; empty where the recipe has no weights for it
};
ImageJudges image_judges(const Recipe& recipe, Device device);

}  // namespace kintsugi
