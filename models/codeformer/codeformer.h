// CodeFormer (Zhou et al., "Towards robust blind face restoration with codebook lookup transformer", NeurIPS 2022): a transformer
// predicts the codes of the clean face from the encoded degraded one; the generator paints them; controllable feature
// transformations blend in the degraded face's features with weight w.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "models/vqgan/vqgan.h"

namespace kintsugi {

/// The published restoration network has the defaults.
struct CodeFormerArgs {
  VqganArgs backbone = {};
  int64_t dim_embd = 512;
  int n_head = 8;
  int n_layers = 9;
  int64_t latent_size = 256;                               // tokens: positions of the latent map
  std::vector<int64_t> connect_list = {32, 64, 128, 256};  // resolutions of the backbone's levels where features are fused
  std::map<int64_t, int> taps = {};   // encoder block per resolution; empty: the backbone's own rule (BlockList::site)
  std::map<int64_t, int> sites = {};  // generator block per resolution; likewise
};
std::string to_json(const CodeFormerArgs& args);
CodeFormerArgs codeformer_args_from_json(const std::string& json);

/// One pre-norm layer: a = LN(x); x += MHA(q = a + pos, k = a + pos, v = a); x += W2 gelu(W1 LN(x)). Tokens [N,T,E].
struct TransformerSALayer {
  MultiheadAttention self_attn;
  Linear linear1, linear2;
  LayerNorm norm1, norm2;
  Vars parameters;
  std::shared_ptr<Mode> mode;
  TransformerSALayer(Scope s, int64_t width, int heads, int64_t hidden);
  Var operator()(const Var& x, const Var& position) const;

 private:
  TransformerSALayer(Scope s, int64_t width, int heads, int64_t hidden, const Registered& registered);
};

/// e = ResBlock([enc, dec]); out = dec + w (dec scale(e) + shift(e)).
struct FuseSftBlock {
  struct Branch {
    Conv2d first, second;
    Branch(Scope s, int64_t in, int64_t out);
    /// Adds `residual`, if any, which may be overwritten.
    Var operator()(const Var& x, Var residual = {}) const;
  };
  ResBlock encode_enc;
  Branch scale, shift;
  Vars parameters;
  std::shared_ptr<Mode> mode;
  std::string path;
  FuseSftBlock(Scope s, int64_t in, int64_t out, int norm_groups = 32);
  /// Lets go of enc and dec as soon as they were read, as the blocks of vqgan/blocks.h do.
  Var operator()(Var enc, Var dec, double w) const;

 private:
  Var fuse(Var enc, Var dec, double w) const;
  FuseSftBlock(Scope s, int64_t in, int64_t out, int norm_groups, const Registered& registered);
};

struct CodeFormerCall {
  double w = 0;            // 0: quality, 1: fidelity
  bool detach_16 = true;   // cut the looked-up codes from the graph (matters for the codebook's gradient)
  bool code_only = false;  // stop after the logits
  bool adain = false;      // give the codes the mean and std of lq_feat; its gradient then reaches the encoder
};

struct CodeFormerOutput {
  Var image;       // [N,H,W,3]; empty for code_only
  Var logits;      // [N,T,K]
  Var lq_feat;     // [N,h,w,D]
  Tensor indices;  // [N,T] predicted codes; empty for code_only
};

/// What is known of a face before the generator paints it: one of these gives pictures at any w.
struct CodeFormerCodes {
  Var logits;                   // [N,T,K]
  Var lq_feat;                  // [N,h,w,D]
  Tensor indices;               // [N,T] predicted codes; empty for code_only
  Var codes;                    // [N,h,w,D] what the generator starts from; empty for code_only
  std::map<int64_t, Var> taps;  // encoder features by resolution; empty when the call fuses nothing
};

struct CodeFormer {
  CodeFormerArgs args;
  Var position_emb;  // [latent_size, dim_embd], starts at zero
  VQAutoEncoder backbone;
  Linear feat_emb;
  std::vector<TransformerSALayer> ft_layers;
  LayerNorm idx_norm;                                             // idx_pred_layer.0
  Linear idx_pred;                                                // idx_pred_layer.1, without bias
  std::vector<std::pair<int64_t, FuseSftBlock>> fuse_convs_dict;  // in connect_list's order

  CodeFormer(Scope s, const CodeFormerArgs& args = {});

  /// x [N,H,W,3] in [-1,1] with H W / 4^(levels-1) = latent_size, else throws Error. The image carries no gradient to the
  /// transformer: the code with the largest logit is looked up, without straight-through.
  /// While the store trains, w = 0 keeps the fusion layers in the graph with zero contribution, so that each of their parameters
  /// has a gradient; in eval mode it skips them.
  CodeFormerOutput operator()(const Var& x, const CodeFormerCall& call = {}) const;

  /// The two halves of that call: encode() up to the codes, with taps when call.w > 0 or the store trains, and decode() to the
  /// image [N,H,W,3] at a w of its own. Throws Error when w > 0 and there are no taps.
  CodeFormerCodes encode(const Var& x, const CodeFormerCall& call = {}) const;
  Var decode(CodeFormerCodes codes, double w) const;

  /// "fuse_convs_dict.<last of connect_list>.shift.2.weight" or, when the generator trains too, the generator's last convolution:
  /// where the adaptive GAN weight is measured.
  const Var& last_layer(bool generator_is_frozen) const;

 private:
  std::shared_ptr<Mode> mode_;
};

/// What a CodeFormer shares with the stage I network it grows from: the `part` of load_parameters that reads a VQGAN's file.
inline const std::vector<std::string> kBackboneParts = {"encoder.*", "quantize.*", "generator.*"};

/// The parts that a training may freeze. "transformer" is all that makes codes of the encoder's features: position_emb, feat_emb,
/// ft_layers, idx_pred_layer; "fusion" is fuse_convs_dict.
inline const std::vector<std::string> kFreezableParts = {"encoder", "quantize", "generator", "transformer", "fusion"};
/// Throws Error for any other name.
void freeze_part(ParameterStore& store, const std::string& part);
/// What every published training freezes.
void freeze_codebook_and_generator(ParameterStore& store);

inline constexpr const char* kCodeFormerKind = "codeformer";

}  // namespace kintsugi
