#include "models/known_nets.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "models/arguments.h"
#include "models/backbones/arcface.h"
#include "models/codeformer/codeformer.h"
#include "models/losses/lpips.h"
#include "models/vqgan/discriminator.h"

namespace kintsugi {
namespace {

// Sizes beyond these are no network's, but a damaged file's; what is built from them would not fit a machine.
constexpr int64_t kMostSize = 1 << 16;
constexpr size_t kMostLayers = 256;

bool sane(std::initializer_list<int64_t> sizes) {
  return std::all_of(sizes.begin(), sizes.end(), [](int64_t v) { return v >= 1 && v <= kMostSize; });
}

// Shapes by name; a name that is not there has rank 0.
class Names {
 public:
  explicit Names(const TensorSource& source) : source_(source), names_(source.names.begin(), source.names.end()) {}
  bool has(const std::string& name) const { return names_.count(name) > 0; }
  Shape shape(const std::string& name) const { return has(name) ? source_.shape(name) : Shape{}; }
  bool all_begin_with(const std::vector<std::string>& prefixes) const {
    return std::all_of(names_.begin(), names_.end(), [&](const std::string& n) {
      return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& p) { return n.starts_with(p); });
    });
  }
  // The part after `prefix` up to the next dot, of every name that has it, in the file's order and once.
  std::vector<std::string> parts_after(const std::string& prefix) const {
    std::vector<std::string> out;
    for (const std::string& n : source_.names) {
      if (!n.starts_with(prefix)) continue;
      const std::string part = n.substr(prefix.size(), n.find('.', prefix.size()) - prefix.size());
      if (std::find(out.begin(), out.end(), part) == out.end()) out.push_back(part);
    }
    return out;
  }

 private:
  const TensorSource& source_;
  std::set<std::string> names_;
};

struct Level {
  int64_t blocks = 0, attention = 0, width = 0;
};

// The levels of an encoder, from its list of blocks: conv, levels with a downsampling between, res, attn, res, norm, conv.
std::optional<std::vector<Level>> encoder_levels(const Names& names) {
  enum class Kind { conv, res, attn, down, norm };
  struct Found {
    Kind kind;
    int64_t width;
  };
  std::vector<Found> blocks;
  for (;;) {
    const std::string at = text("encoder.blocks.", blocks.size(), ".");
    const auto width = [&](const char* name) { return names.shape(at + name).rank() > 0 ? names.shape(at + name)[0] : 0; };
    if (names.has(at + "conv1.weight")) blocks.push_back({Kind::res, width("conv1.weight")});
    else if (names.has(at + "q.weight")) blocks.push_back({Kind::attn, width("q.weight")});
    else if (names.has(at + "conv.weight")) blocks.push_back({Kind::down, width("conv.weight")});
    else if (names.has(at + "weight"))
      blocks.push_back({names.shape(at + "weight").rank() == 4 ? Kind::conv : Kind::norm, width("weight")});
    else break;
  }
  constexpr Kind kTail[] = {Kind::res, Kind::attn, Kind::res, Kind::norm, Kind::conv};
  constexpr size_t kTailBlocks = std::size(kTail);
  if (blocks.size() < 2 + kTailBlocks || blocks[0].kind != Kind::conv) return std::nullopt;
  for (size_t i = 0; i < kTailBlocks; ++i)
    if (blocks[blocks.size() - kTailBlocks + i].kind != kTail[i]) return std::nullopt;
  std::vector<Level> levels(1);
  for (size_t i = 1; i + kTailBlocks < blocks.size(); ++i) {
    switch (blocks[i].kind) {
      case Kind::res:
        ++levels.back().blocks;
        levels.back().width = blocks[i].width;
        break;
      case Kind::attn: ++levels.back().attention; break;
      case Kind::down: levels.emplace_back(); break;
      default: return std::nullopt;
    }
  }
  return levels;
}

// With latent_size 0 the image size is not known from the shapes.
std::optional<VqganArgs> vqgan_args(const Names& names, int64_t latent_size) {
  const auto levels = encoder_levels(names);
  const Shape first = names.shape("encoder.blocks.0.weight"), codebook = names.shape("quantize.embedding.weight");
  if (!levels || first.rank() != 4 || codebook.rank() != 2 || levels->size() > 12 || !sane({first[0], codebook[0], codebook[1]}))
    return std::nullopt;
  VqganArgs args;
  if (first[0] % args.norm_groups != 0) return std::nullopt;
  args.nf = first[0];
  args.codebook_size = codebook[0];
  args.emb_dim = codebook[1];
  args.res_blocks = levels->front().blocks;
  if (latent_size > 0) {
    const auto side = int64_t(std::lround(std::sqrt(double(latent_size))));
    if (side * side != latent_size || side > 4096) return std::nullopt;
    args.img_size = side << (levels->size() - 1);
  }
  args.ch_mult.clear();
  args.attn_resolutions.clear();
  for (const Level& level : *levels) {
    if (level.blocks != args.res_blocks || !sane({level.blocks, level.width}) || level.width % args.nf != 0 ||
        (level.attention != 0 && level.attention != level.blocks))
      return std::nullopt;
    args.ch_mult.push_back(level.width / args.nf);
    if (level.attention) args.attn_resolutions.push_back(args.resolution(args.levels() - 1));
  }
  return args;
}

std::optional<CodeFormerArgs> codeformer_args(const Names& names) {
  const Shape position = names.shape("position_emb");
  if (position.rank() != 2 || !sane({position[0], position[1]})) return std::nullopt;
  const auto backbone = vqgan_args(names, position[0]);
  CodeFormerArgs args;
  if (!backbone || position[1] % args.n_head != 0) return std::nullopt;
  args.backbone = *backbone;
  args.latent_size = position[0];
  args.dim_embd = position[1];
  const size_t layers = names.parts_after("ft_layers.").size();
  if (layers > kMostLayers) return std::nullopt;
  args.n_layers = int(layers);
  args.connect_list.clear();
  for (const std::string& part : names.parts_after("fuse_convs_dict.")) {
    int64_t resolution = 0;
    if (std::from_chars(part.data(), part.data() + part.size(), resolution).ec != std::errc{}) return std::nullopt;
    args.connect_list.push_back(resolution);
  }
  return args;
}

std::optional<DiscriminatorArgs> discriminator_args(const Names& names) {
  const Shape first = names.shape("main.0.weight");
  if (first.rank() != 4 || first[2] != 4 || first[3] != 4 || !sane({first[0], first[1]})) return std::nullopt;
  DiscriminatorArgs args;
  args.ndf = first[0];
  args.nc = first[1];
  args.n_layers = 0;
  for (const std::string& part : names.parts_after("main.")) args.n_layers += names.has("main." + part + ".running_mean");
  return args.n_layers >= 1 && args.n_layers <= 16 ? std::optional(args) : std::nullopt;
}

std::optional<ArcFaceArgs> arcface_args(const Names& names) {
  ArcFaceArgs args;
  args.family = names.has("bn5.weight") ? ArcFaceArgs::Family::grey : ArcFaceArgs::Family::rgb;
  const Shape first = names.shape("conv1.weight");
  const Shape last = names.shape(args.family == ArcFaceArgs::Family::grey ? "fc5.weight" : "fc.weight");
  if (first.rank() != 4 || last.rank() != 2 || !sane({first[0], last[0]})) return std::nullopt;
  args.width = first[0];
  args.embedding = last[0];
  for (size_t layer = 0; layer < args.blocks.size(); ++layer) {
    args.blocks[layer] = int64_t(names.parts_after(text("layer", layer + 1, '.')).size());
    if (args.blocks[layer] < 1 || args.blocks[layer] > int64_t(kMostLayers)) return std::nullopt;
  }
  return args;
}

// Channels of each layer that LPIPS's heads weigh; empty when these names are no such heads.
std::vector<int64_t> lpips_widths(const Names& names) {
  std::vector<int64_t> widths;
  for (;;) {
    const Shape w = names.shape(text("lin", widths.size(), ".model.1.weight"));
    if (w.rank() != 4 || w[0] != 1 || w[2] != 1 || w[3] != 1 || !sane({w[1]})) return widths;
    widths.push_back(w[1]);
  }
}

std::vector<int64_t> widths_from_json(const std::string& json) {
  ArgumentReader reader(kLpipsHeadsKind, json);
  std::vector<int64_t> widths;
  reader("widths", widths);
  reader.finish();
  return widths;
}

void register_heads(Scope root, const std::vector<int64_t>& widths) {
  for (size_t k = 0; k < widths.size(); ++k) Conv2d(root / text("lin", k) / "model" / 1, widths[k], 1, 1, Conv2dOptions{}, false);
}

const char* trunk_of(const std::vector<int64_t>& widths) {
  if (widths == std::vector<int64_t>{64, 128, 256, 512, 512}) return "VGG16";
  if (widths == std::vector<int64_t>{64, 192, 384, 256, 256}) return "AlexNet";
  if (widths == std::vector<int64_t>{64, 128, 256, 384, 384, 512, 512}) return "SqueezeNet";
  return "a trunk not known here";
}

// conv1_1 ... conv5_4 for the numbers that torchvision gives VGG19's convolutions in a Sequential with ReLUs and pools.
std::map<std::string, std::string> vgg19_from_torchvision() {
  constexpr int kConvs[] = {2, 2, 4, 4, 4};
  std::map<std::string, std::string> out;
  int index = 0;
  for (int stage = 0; stage < 5; ++stage, ++index)
    for (int n = 0; n < kConvs[stage]; ++n, index += 2)
      for (const char* which : {"weight", "bias"})
        out[text("vgg_net.conv", stage + 1, '_', n + 1, '.', which)] = text("features.", index, '.', which);
  return out;
}

// The tensors of `source` under other names: new name -> name in the source.
TensorSource renamed(const TensorSource& source, const std::map<std::string, std::string>& names) {
  TensorSource out{source.origin,
                   {},
                   [=](const std::string& n) { return source.shape(names.at(n)); },
                   [=](const std::string& n) { return source.read(names.at(n)); },
                   [=](const std::string& n) { return source.mapped(names.at(n)); }};
  for (const auto& [name, old] : names)
    if (std::find(source.names.begin(), source.names.end(), old) != source.names.end()) out.names.push_back(name);
  return out;
}

const std::vector<std::string> kVqganParts = {"encoder.", "quantize.", "generator."};
const std::vector<std::string> kCodeFormerParts = {"encoder.",  "quantize.",  "generator.",      "position_emb",
                                                   "feat_emb.", "ft_layers.", "idx_pred_layer.", "fuse_convs_dict."};

const std::vector<std::string> kArcFaceParts = {"conv1.",  "bn1.",    "prelu.", "layer1.", "layer2.", "layer3.", "layer4.",
                                                "bn2.",    "bn4.",    "fc.",    "fc5.",    "bn5.",    "features."};

std::string joined(const std::vector<int64_t>& list) {
  std::string out;
  for (const int64_t v : list) out += text(out.empty() ? "" : ", ", v);
  return out;
}

}  // namespace

KnownNet recognise(const TensorSource& source) {
  const Names names(source);
  KnownNet net;
  net.tensors = source;
  const auto is = [&](const char* kind, std::string arguments) {
    net.kind = kind;
    net.arguments = std::move(arguments);
  };
  if (names.has("position_emb") && names.all_begin_with(kCodeFormerParts)) {
    if (const auto args = codeformer_args(names)) is(kCodeFormerKind, to_json(*args));
  } else if (names.has("quantize.embedding.weight") && names.all_begin_with(kVqganParts)) {
    if (const auto args = vqgan_args(names, 0)) is(kVqganKind, to_json(*args));
  } else if (names.all_begin_with({"main."})) {
    if (const auto args = discriminator_args(names)) is(kDiscriminatorKind, to_json(*args));
  } else if (names.has("net.slice1.0.weight") && lpips_widths(names) == std::vector<int64_t>{64, 128, 256, 512, 512}) {
    is(kLpipsKind, "{}");
    // The whole module in PyTorch holds its heads twice, and the constants of its scaling.
    std::map<std::string, std::string> kept;
    for (const std::string& n : source.names)
      if (n.starts_with("lins.") || n.starts_with("scaling_layer.")) net.unused.push_back(n);
      else kept[n] = n;
    if (!net.unused.empty()) net.tensors = renamed(source, kept);
  } else if (const auto widths = lpips_widths(names); !widths.empty() && widths.size() == source.names.size()) {
    ArgumentWriter writer;
    writer("widths", widths);
    is(kLpipsHeadsKind, writer.text());
  } else if (names.has("layer1.0.prelu.weight") && names.all_begin_with(kArcFaceParts)) {
    if (const auto args = arcface_args(names)) is(kArcFaceKind, to_json(*args));
  } else if (names.has("vgg_net.conv5_4.weight") && names.all_begin_with({"vgg_net."})) {
    is(kVgg19Kind, "{}");
  } else if (names.shape("features.34.weight") == Shape{512, 512, 3, 3} && names.all_begin_with({"features.", "classifier."})) {
    is(kVgg19Kind, "{}");
    net.tensors = renamed(source, vgg19_from_torchvision());
    for (const std::string& n : source.names)
      if (n.starts_with("classifier.")) net.unused.push_back(n);
  }
  return net;
}

bool is_own_checkpoint(const std::string& path) {
  if (weight_format(path) != WeightFormat::safetensors) return false;
  const SafetensorsFile file(path);
  const auto format = file.metadata().find("format");
  return format != file.metadata().end() && format->second == "kintsugi";
}

KnownNet open_network(const std::string& path) {
  if (!is_own_checkpoint(path)) return recognise(open_checkpoint(path));
  const CheckpointInfo info = checkpoint_info(SafetensorsFile(path));
  return {info.kind, info.arguments, open_checkpoint(path), {}};
}

KnownNet open_network(const std::string& path, const std::string& kind) {
  KnownNet net = open_network(path);
  KIN_CHECK(net.kind == kind, path, ": holds ", net.known() ? "a " + net.kind : "a network that is not known here",
            ", expected a ", kind);
  return net;
}

void register_parameters(const KnownNet& net, ParameterStore& store) {
  const Scope root = store.root();
  if (net.kind == kCodeFormerKind) CodeFormer(root, codeformer_args_from_json(net.arguments));
  else if (net.kind == kVqganKind) VQAutoEncoder(root, vqgan_args_from_json(net.arguments));
  else if (net.kind == kDiscriminatorKind) Discriminator(root, discriminator_args_from_json(net.arguments));
  else if (net.kind == kVgg19Kind) PerceptualLoss(root, PerceptualArgs{});
  else if (net.kind == kLpipsKind) Lpips{root};
  else if (net.kind == kArcFaceKind) ArcFace(root, arcface_args_from_json(net.arguments));
  else if (net.kind == kLpipsHeadsKind) register_heads(root, widths_from_json(net.arguments));
  else fail(net.tensors.origin, ": a ", net.kind, " is not a network known here");
}

std::string published_task(const KnownNet& net) {
  if (net.kind != kCodeFormerKind) return {};
  const CodeFormerArgs args = codeformer_args_from_json(net.arguments);
  if (args.backbone.img_size != 512 || args.dim_embd != 512 || args.n_layers != 9) return {};
  const int64_t codes = args.backbone.codebook_size;
  const bool coarse = args.connect_list == std::vector<int64_t>{32, 64, 128};
  if (args.connect_list == std::vector<int64_t>{32, 64, 128, 256} && codes == 1024) return "restore";
  return coarse && codes == 1024 ? "colorize" : coarse && codes == 512 ? "inpaint" : "";
}

std::string describe(const KnownNet& net) {
  if (net.kind == kCodeFormerKind) {
    const CodeFormerArgs args = codeformer_args_from_json(net.arguments);
    const std::string task = published_task(net);
    const char* purpose = task == "restore" ? " for restoration" : task == "colorize" ? " for colourisation" : task == "inpaint" ? " for inpainting" : "";
    return text("CodeFormer", purpose, ", ", args.backbone.img_size, " pixels (fusion at ", joined(args.connect_list), "; ",
                args.backbone.codebook_size, " codes, ", args.n_layers, " layers of width ", args.dim_embd, ")");
  }
  if (net.kind == kVqganKind) {
    const VqganArgs args = vqgan_args_from_json(net.arguments);
    return text("VQGAN (", args.levels(), " levels of width ", args.nf, " x ", joined(args.ch_mult), "; ", args.codebook_size,
                " codes of ", args.emb_dim, ")");
  }
  if (net.kind == kDiscriminatorKind) {
    const DiscriminatorArgs args = discriminator_args_from_json(net.arguments);
    return text("patch discriminator (width ", args.ndf, ", ", args.n_layers, " layers)");
  }
  if (net.kind == kVgg19Kind) return "VGG19 features for the perceptual loss";
  if (net.kind == kLpipsKind) return "LPIPS on VGG16";
  if (net.kind == kLpipsHeadsKind) return text("LPIPS heads for ", trunk_of(widths_from_json(net.arguments)), ", without the trunk");
  if (net.kind == kArcFaceKind) {
    const ArcFaceArgs args = arcface_args_from_json(net.arguments);
    return text("ArcFace (", args.family == ArcFaceArgs::Family::rgb ? "RGB" : "grey", ", ", args.size(), " pixels; blocks ", joined(args.blocks),
                "; ", args.embedding, " numbers)");
  }
  return net.known() ? net.kind : "not a network known here";
}

}  // namespace kintsugi
