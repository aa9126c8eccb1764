#include "models/codeformer/codeformer.h"

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/finite_watch.h"
#include "autograd/ops/ada_in.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/conv2d_epilogue.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "nn/compute.h"

namespace kintsugi {
namespace {

constexpr double kSlope = 0.2;

CodeFormerArgs resolve(CodeFormerArgs a) {
  KIN_CHECK(a.dim_embd >= 1 && a.n_layers >= 0 && a.latent_size >= 1,
            "codeformer: dim_embd and latent_size must be at least 1 and n_layers at least 0, got ", a.dim_embd, ", ",
            a.latent_size, ", ", a.n_layers);
  for (int64_t r : a.connect_list) {
    bool known = false;
    for (int level = 0; level < a.backbone.levels(); ++level) known |= a.backbone.resolution(level) == r;
    KIN_CHECK(known, "codeformer: connect_list names ", r, ", which is no level of a backbone of ", a.backbone.img_size,
              " pixels and ", a.backbone.levels(), " levels");
    KIN_CHECK(std::count(a.connect_list.begin(), a.connect_list.end(), r) == 1, "codeformer: connect_list names ", r, " twice");
  }
  return a;
}

// Width of the level with this resolution.
int64_t width_at(const VqganArgs& a, int64_t resolution) {
  for (int level = 0; level < a.levels(); ++level)
    if (a.resolution(level) == resolution) return a.width(level);
  fail("codeformer: no level has resolution ", resolution);
}

// Block index of each connected resolution: what the caller says, else the backbone's rule.
std::map<int64_t, int> sites_of(const char* what, const std::map<int64_t, int>& given, const BlockList& list,
                                const std::vector<int64_t>& connect) {
  std::map<int64_t, int> out;
  for (int64_t r : connect) {
    const auto found = given.find(r);
    out[r] = found != given.end() ? found->second : list.site.at(r);
    KIN_CHECK(out[r] >= 0 && out[r] < int(list.blocks.size()), "codeformer: ", what, " of ", r, " must be a block number below ",
              list.blocks.size(), ", got ", out[r]);
  }
  return out;
}

std::vector<TransformerSALayer> transformer(Scope s, const CodeFormerArgs& a) {
  std::vector<TransformerSALayer> layers;
  for (int i = 0; i < a.n_layers; ++i) layers.emplace_back(s / "ft_layers" / i, a.dim_embd, a.n_head, 2 * a.dim_embd);
  return layers;
}

std::vector<std::pair<int64_t, FuseSftBlock>> fusions(Scope s, const CodeFormerArgs& a) {
  std::vector<std::pair<int64_t, FuseSftBlock>> out;
  for (int64_t r : a.connect_list) {
    const int64_t c = width_at(a.backbone, r);
    out.emplace_back(r, FuseSftBlock(s / "fuse_convs_dict" / std::to_string(r), c, c, int(a.backbone.norm_groups)));
  }
  return out;
}

}  // namespace

TransformerSALayer::TransformerSALayer(Scope s, int64_t width, int heads, int64_t hidden)
    : TransformerSALayer(s, width, heads, hidden, Registered(s.store())) {}

TransformerSALayer::TransformerSALayer(Scope s, int64_t width, int heads, int64_t hidden, const Registered& registered)
    : self_attn(s / "self_attn", width, heads),
      linear1(s / "linear1", width, hidden),
      linear2(s / "linear2", hidden, width),
      norm1(s / "norm1", width),
      norm2(s / "norm2", width),
      parameters(registered.parameters()),
      mode(s.mode()) {}

Var TransformerSALayer::operator()(const Var& x, const Var& position) const {
  const Var a = norm1(x), qk = a + position;
  const Var h = x + self_attn(qk, qk, a);
  Var y = h + linear2(gelu(linear1(norm2(h))));
  if (mode->passing) release(parameters);
  return y;
}

FuseSftBlock::Branch::Branch(Scope s, int64_t in, int64_t out)
    : first(conv3x3(s / 0, in, out)),
      second(conv3x3(s / 2, out, out)) {}
Var FuseSftBlock::Branch::operator()(const Var& x, Var residual) const {
  return second(leaky_relu(first(x), kSlope), std::move(residual));
}

namespace {

// The block's end on a GPU: what follows a convolution happens in its epilogue.
Var transform(const FuseSftBlock::Branch& scale, const FuseSftBlock::Branch& shift, Var e, const Var& dec, double w) {
  const auto hidden = [](const Conv2d& first, const Var& x) {
    const LayerScope here(first.path);
    return conv2d_leaky_relu(x, beside(first.weight, x), beside(first.bias, x), first.options, kSlope);
  };
  const Var factor = scale.second(hidden(scale.first, e)), last = hidden(shift.first, e);
  e = {};
  const Conv2d& conv = shift.second;
  const LayerScope here(conv.path);
  return conv2d_sft(last, beside(conv.weight, last), beside(conv.bias, last), conv.options, dec, factor, w);
}

}  // namespace

FuseSftBlock::FuseSftBlock(Scope s, int64_t in, int64_t out, int groups)
    : FuseSftBlock(s, in, out, groups, Registered(s.store())) {}

FuseSftBlock::FuseSftBlock(Scope s, int64_t in, int64_t out, int groups, const Registered& registered)
    : encode_enc(s / "encode_enc", 2 * in, out, groups),
      scale(s / "scale", in, out),
      shift(s / "shift", in, out),
      parameters(registered.parameters()),
      mode(s.mode()),
      path(s.path()) {}

Var FuseSftBlock::fuse(Var enc, Var dec, double w) const {
  const LayerScope here(path);
  Var e = concat({std::move(enc), dec}, -1);
  e = encode_enc(std::move(e));
  if (dec.value().device().kind != DeviceKind::cpu) {
    Var out = transform(scale, shift, std::move(e), dec, w);
    if (mode->passing) release(parameters);
    return out;
  }
  Var change = scale(e) * dec;
  change = shift(e, std::move(change));
  e = {};
  if (mode->passing) release(parameters);
  return std::move(change) * w + std::move(dec);
}

Var FuseSftBlock::operator()(Var enc, Var dec, double w) const {
  if (!mode->recompute || !grad_mode()) return fuse(std::move(enc), std::move(dec), w);
  return recompute([block = *this, w](const Vars& v) { return block.fuse(v[0], v[1], w); }, {enc, dec}, parameters);
}

CodeFormer::CodeFormer(Scope s, const CodeFormerArgs& a)
    : args(resolve(a)),
      position_emb(s.param("position_emb", {a.latent_size, a.dim_embd}, Init::zeros())),
      backbone(s, a.backbone),
      feat_emb(s / "feat_emb", a.backbone.emb_dim, a.dim_embd),
      ft_layers(transformer(s, a)),
      idx_norm(s / "idx_pred_layer" / 0, a.dim_embd),
      idx_pred(s / "idx_pred_layer" / 1, a.dim_embd, a.backbone.codebook_size, false),
      fuse_convs_dict(fusions(s, a)),
      mode_(s.mode()) {
  args.taps = sites_of("taps", a.taps, backbone.encoder, a.connect_list);
  args.sites = sites_of("sites", a.sites, backbone.generator, a.connect_list);
}

CodeFormerCodes CodeFormer::encode(const Var& x, const CodeFormerCall& call) const {
  const bool fuse = !call.code_only && (call.w > 0 || mode_->training);
  CodeFormerCodes out;

  out.lq_feat = backbone.encoder.walk(enter(*mode_, x), [&](int i, Var h) {
    for (const auto& [resolution, block] : args.taps)
      if (fuse && block == i) out.taps[resolution] = h.detach();  // the fusion must not train the encoder
    return h;
  });
  out.lq_feat = leave(*mode_, out.lq_feat);
  const Shape& latent = out.lq_feat.shape();
  const int64_t tokens = latent[1] * latent[2];
  KIN_CHECK(tokens == args.latent_size, "codeformer: x must give ", args.latent_size, " latent positions, got ", latent[1], " x ",
            latent[2], " (x: ", x.value(), ")");

  Var t = feat_emb(enter(*mode_, reshape(out.lq_feat, {latent[0], tokens, latent[3]})));
  for (const TransformerSALayer& layer : ft_layers) t = layer(t, beside(position_emb, t));
  out.logits = leave(*mode_, idx_pred(idx_norm(t)));
  if (call.code_only) return out;

  out.indices = argmax(out.logits, -1);
  out.codes = reshape(backbone.quantize.codes(out.indices), latent);
  if (call.detach_16) out.codes = out.codes.detach();
  if (call.adain) out.codes = ada_in(out.codes, out.lq_feat);
  return out;
}

Var CodeFormer::decode(CodeFormerCodes codes, double w) const {
  const bool fuse = w > 0 || mode_->training;
  KIN_CHECK(!fuse || codes.taps.size() == args.taps.size(), "codeformer: w = ", w, " needs ", args.taps.size(),
            " encoder features, got ", codes.taps.size(), "; encode with w > 0");
  const PrecisionGuard painting(painting_precision());
  Var image = backbone.generator.walk(enter(*mode_, std::move(codes.codes)), [&](int i, Var h) {
    for (const auto& [resolution, block] : fuse_convs_dict)
      if (fuse && args.sites.at(resolution) == i) h = block(std::move(codes.taps.at(resolution)), std::move(h), w);
    return h;
  });
  return leave(*mode_, std::move(image));
}

CodeFormerOutput CodeFormer::operator()(const Var& x, const CodeFormerCall& call) const {
  CodeFormerCodes codes = encode(x, call);
  CodeFormerOutput out{{}, codes.logits, codes.lq_feat, codes.indices};
  if (!call.code_only) out.image = decode(std::move(codes), call.w);
  return out;
}

const Var& CodeFormer::last_layer(bool generator_is_frozen) const {
  if (!generator_is_frozen) return std::get<Conv2d>(backbone.generator.blocks.back()).weight;
  KIN_CHECK(!fuse_convs_dict.empty(),
            "codeformer: with a frozen generator and an empty connect_list no trained layer reaches the image");
  return fuse_convs_dict.back().second.shift.second.weight;
}

void freeze_part(ParameterStore& store, const std::string& part) {
  KIN_CHECK(std::count(kFreezableParts.begin(), kFreezableParts.end(), part) == 1,
            "codeformer: a part is encoder, quantize, generator, transformer or fusion, got '", part, "'");
  std::vector<std::string> starts = {part + "."};
  if (part == "transformer") starts = {"position_emb", "feat_emb.", "ft_layers.", "idx_pred_layer."};
  if (part == "fusion") starts = {"fuse_convs_dict."};
  for (const NamedVar& p : store.parameters())
    if (std::any_of(starts.begin(), starts.end(), [&](const std::string& s) { return p.name.starts_with(s); })) store.freeze(p.name);
}

void freeze_codebook_and_generator(ParameterStore& store) {
  for (const char* part : {"quantize", "generator"}) freeze_part(store, part);
}

}  // namespace kintsugi
