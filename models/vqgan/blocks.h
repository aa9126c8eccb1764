// Building blocks of the VQGAN of CodeFormer (Zhou et al., "Towards robust blind face restoration with codebook lookup
// transformer", NeurIPS 2022), after Esser et al., "Taming transformers for high-resolution image synthesis" (CVPR 2021).
// GroupNorm everywhere has eps 1e-6 and, in the published networks, 32 groups. All maps are [N,H,W,C].
//
// Blocks take their input by value: handed the last handle, they let go of it, or write over it, as soon as it was read, which
// keeps inference at the few maps that are really alive. Steps stand in statements of their own for the same reason: a
// temporary of a nested call would live until the end of the whole expression.
#pragma once
#include <optional>
#include <string>
#include <variant>

#include "nn/layers.h"

namespace kintsugi {

/// h = conv1(silu(GN(x))); h = conv2(silu(GN(h))); y = h + skip(x), where skip is a 1x1 convolution when the width changes.
struct ResBlock {
  GroupNorm norm1;
  Conv2d conv1;
  GroupNorm norm2;
  Conv2d conv2;
  std::optional<Conv2d> conv_out;
  std::string path;
  ResBlock(Scope s, int64_t in, int64_t out, int norm_groups = 32);
  Var operator()(Var x) const;
};

/// One head of self-attention over all positions: y = x + proj_out(softmax(q k^T / sqrt(C)) v), with q, k, v 1x1 convolutions of
/// GN(x).
struct AttnBlock {
  GroupNorm norm;
  Conv2d q, k, v, proj_out;
  std::string path;
  AttnBlock(Scope s, int64_t channels, int norm_groups = 32);
  Var operator()(Var x) const;
};

/// Zero padding by one on the right and the bottom only, then a 3x3 convolution of stride 2: halves even sizes.
struct Downsample {
  Conv2d conv;
  Downsample(Scope s, int64_t channels, int norm_groups = 0);
  Var operator()(const Var& x) const { return conv(x); }
};

/// Nearest 2x, then a 3x3 convolution.
struct Upsample {
  Conv2d conv;
  Upsample(Scope s, int64_t channels, int norm_groups = 0);
  Var operator()(Var x) const;
};

/// What the flat lists of encoder and generator hold.
using Block = std::variant<Conv2d, GroupNorm, ResBlock, AttnBlock, Downsample, Upsample>;
inline Var apply_block(const Block& block, Var x) {
  return std::visit([&](const auto& b) { return b(std::move(x)); }, block);
}
/// ResBlocks and attention hold several maps for backward: worth running again instead (Mode::recompute).
inline bool worth_recomputing(const Block& block) {
  return std::holds_alternative<ResBlock>(block) || std::holds_alternative<AttnBlock>(block);
}

/// 3x3 and 1x1 convolutions that keep the size. norm_groups: of the norm that follows, here and above (Conv2dOptions); 0: none.
inline Conv2d conv3x3(Scope s, int64_t in, int64_t out, int norm_groups = 0) {
  return {s, in, out, 3, {.pad = pad_all(1), .norm_groups = norm_groups}};
}
inline Conv2d conv1x1(Scope s, int64_t in, int64_t out) { return {s, in, out, 1}; }

}  // namespace kintsugi
