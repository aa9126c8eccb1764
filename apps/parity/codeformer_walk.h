// CodeFormer's forward pass once more, block by block, for the files that store features.
#pragma once
#include <functional>
#include <string>

#include "apps/parity/layout.h"
#include "models/codeformer/codeformer.h"

namespace kintsugi::parity {

/// Called with the name that files give a feature ("encoder.blocks.3", "ft_layers.0", "quant_feat", "quant_feat_adain",
/// "generator.blocks.7", "fuse_convs_dict.64"), its value, and the permutation between it and the stored one.
using SeeFeature = std::function<void(const std::string& name, const Tensor& y, const Order& order)>;

/// Runs `net` on x as `call` says, without a graph, and shows every feature to `see`. The codes painted are `indices` [N,T], whatever the
/// transformer would choose. Returns the image.
Tensor walk_codeformer(const CodeFormer& net, const Tensor& x, const CodeFormerCall& call, const Tensor& indices, const SeeFeature& see);

}  // namespace kintsugi::parity
