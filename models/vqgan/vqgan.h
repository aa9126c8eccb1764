// The discrete autoencoder of CodeFormer's first stage: encoder, vector quantiser, generator. Blocks stand in flat lists,
// numbered as in the published checkpoints; the forward pass applies them in order. There is no activation between the last GN
// and the last convolution.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "autograd/precision.h"
#include "models/vqgan/blocks.h"
#include "models/vqgan/quantizer.h"

namespace kintsugi {

/// The published networks have the defaults.
struct VqganArgs {
  int64_t img_size = 512;                             // names the levels: level i has resolution img_size / 2^i
  int64_t nf = 64;                                    // width unit, a multiple of norm_groups
  std::vector<int64_t> ch_mult = {1, 2, 2, 4, 4, 8};  // width of level i in units
  int64_t res_blocks = 2;                             // per level
  std::vector<int64_t> attn_resolutions = {16};       // levels whose ResBlocks are each followed by attention
  int64_t codebook_size = 1024;
  int64_t emb_dim = 256;
  double beta = 0.25;
  BetaOn beta_on = BetaOn::codebook;
  // Groups of every norm. With 32, a narrow network has one channel per group, which takes each channel's mean, and with it colour, away.
  int64_t norm_groups = 32;

  int levels() const { return int(ch_mult.size()); }
  int64_t resolution(int level) const { return img_size >> level; }
  int64_t width(int level) const { return nf * ch_mult.at(size_t(level)); }
  bool attends(int level) const;
  /// Throws Error naming the argument that cannot be built.
  void check() const;
};
std::string to_json(const VqganArgs& args);
/// Throws Error naming the argument that is missing or of the wrong type.
VqganArgs vqgan_args_from_json(const std::string& json);

/// Blocks applied in order. `site` maps a level's resolution to the block where CodeFormer joins that level of encoder and
/// generator: in the encoder the level's last ResBlock; in the generator its first, or, at an attention level, its last.
struct BlockList {
  std::vector<Block> blocks;
  std::vector<Vars> parameters;  // of each block
  std::map<int64_t, int> site;
  std::shared_ptr<Mode> mode;
  Var operator()(const Var& x) const;
  /// Calls visit(index, y) after each block; the Var it returns goes on to the next one.
  template <class Visit>
  Var walk(Var x, Visit&& visit) const {
    for (int i = 0; i < int(blocks.size()); ++i) x = visit(i, run(size_t(i), std::move(x)));
    return x;
  }

 private:
  Var run(size_t i, Var x) const;
};

/// Image [N,H,W,3] to latent [N,H/f,W/f,emb_dim], f = 2^(levels-1). Per level `res_blocks` ResBlocks (the first changes the
/// width), each followed by attention at an attention resolution, and a Downsample but after the last level; then Res, Attn, Res,
/// GN, 3x3 convolution.
struct Encoder : BlockList {
  Encoder(Scope s, const VqganArgs& args);
};

/// Latent to image: 3x3 convolution, Res, Attn, Res; levels from last to first with an Upsample between; GN, 3x3 convolution to 3
/// channels.
struct Generator : BlockList {
  Generator(Scope s, const VqganArgs& args);
};

/// For the generator and what fuses into it, where rounding moves a pixel by a small part of a grey level: fast when only the image is
/// wanted. The encoder, whose rounding may turn a code into another, and training stay exact.
Precision painting_precision();

struct VQAutoEncoder {
  VqganArgs args;
  Encoder encoder;
  VectorQuantizer quantize;
  Generator generator;
  VQAutoEncoder(Scope s, const VqganArgs& args);

  struct Output {
    Var image;  // [N,H,W,3]
    Quantized quantized;
  };
  /// x [N,H,W,3] in [-1,1]; H and W multiples of 2^(levels-1).
  Output operator()(const Var& x) const;
  /// Nearest codes of the encoded image, i64 [N, h, w]; no graph.
  Tensor codes(const Tensor& image) const;
};

inline constexpr const char* kVqganKind = "vqgan";

}  // namespace kintsugi
