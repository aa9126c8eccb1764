#include "models/backbones/arcface.h"

#include "autograd/ops/binary.h"
#include "autograd/ops/pool.h"
#include "autograd/ops/prelu.h"
#include "autograd/ops/shape.h"
#include "models/arguments.h"

namespace kintsugi {
namespace {

using Family = ArcFaceArgs::Family;
constexpr int kLayers = 4;
constexpr int kHalvings = 4;  // rgb: by every layer; grey: by the pool and the last three layers

const ArcFaceArgs& checked(const ArcFaceArgs& a) {
  KIN_CHECK(a.blocks.size() == kLayers, "arcface: blocks must be ", kLayers, " counts, got ", a.blocks.size());
  for (const int64_t n : a.blocks) KIN_CHECK(n >= 1 && n <= 256, "arcface: blocks must be from 1 to 256, got ", n);
  KIN_CHECK(a.width >= 1 && a.embedding >= 1, "arcface: width and embedding must be at least 1, got ", a.width, ", ", a.embedding);
  return a;
}

Conv2d conv3x3(Scope s, int64_t in, int64_t out, int stride) { return {s, in, out, 3, {.stride = stride, .pad = pad_all(1)}, false}; }

// The families differ in where they begin to count their norms.
std::string norm_name(const ArcFaceArgs& a, int n) { return text("bn", a.family == Family::rgb ? n : n - 1); }

Var slope(Scope s, const ArcFaceArgs& a, int64_t channels) {
  return (s / "prelu").param("weight", {a.family == Family::rgb ? channels : 1}, Init::constant(0.25));
}

int64_t last_width(const ArcFaceArgs& a) { return a.width << (kLayers - 1); }
int64_t flat(const ArcFaceArgs& a) {
  const int64_t side = a.size() >> kHalvings;
  return last_width(a) * side * side;
}

template <class Visitor, class Args>
void fields(Visitor& field, Args& a, std::string& family) {
  field("family", family);
  field("blocks", a.blocks);
  field("width", a.width);
  field("embedding", a.embedding);
}

}  // namespace

std::string to_json(const ArcFaceArgs& args) {
  ArgumentWriter writer;
  std::string family = args.family == Family::rgb ? "rgb" : "grey";
  fields(writer, args, family);
  return writer.text();
}

ArcFaceArgs arcface_args_from_json(const std::string& json) {
  ArgumentReader reader("arcface", json);
  ArcFaceArgs args;
  std::string family;
  fields(reader, args, family);
  reader.finish();
  KIN_CHECK(family == "rgb" || family == "grey", "arcface: family must be rgb or grey, got '", family, "'");
  args.family = family == "rgb" ? Family::rgb : Family::grey;
  return checked(args);
}

ArcFace::ArcFace(Scope s, const ArcFaceArgs& a)
    : args(checked(a)),
      conv1_(conv3x3(s / "conv1", a.family == Family::rgb ? 3 : 1, a.width, 1)),
      bn1_(s / "bn1", a.width),
      slope_(slope(s, a, a.width)),
      blocks_([&] {
        std::vector<Block> out;
        int64_t in = a.width;
        for (int layer = 0; layer < kLayers; ++layer)
          for (int64_t n = 0; n < a.blocks[size_t(layer)]; ++n) {
            const bool halves = n == 0 && (layer > 0 || a.family == Family::rgb);
            const int64_t width = a.width << layer;
            out.push_back(block(s / text("layer", layer + 1) / int(n), in, width, halves ? 2 : 1));
            in = width;
          }
        return out;
      }()),
      last_norm_(s / (a.family == Family::rgb ? "bn2" : "bn4"), last_width(a)),
      fc_(s / (a.family == Family::rgb ? "fc" : "fc5"), flat(a), a.embedding),
      features_(s / (a.family == Family::rgb ? "features" : "bn5"), a.embedding) {}

ArcFace::Block ArcFace::block(Scope s, int64_t in, int64_t out, int stride) const {
  // rgb keeps its width change in the first convolution, grey in the second.
  const int64_t middle = args.family == Family::rgb ? out : in;
  Block b{.before = BatchNorm2d(s / norm_name(args, 1), in),
          .conv1 = conv3x3(s / "conv1", in, middle, 1),
          .middle = BatchNorm2d(s / norm_name(args, 2), middle),
          .slope = slope(s, args, middle),
          .conv2 = conv3x3(s / "conv2", middle, out, stride),
          .after = BatchNorm2d(s / norm_name(args, 3), out),
          .shortcut = std::nullopt};
  if (stride != 1 || in != out) {
    Conv2d conv(s / "downsample" / 0, in, out, 1, {.stride = stride}, false);
    b.shortcut = {std::move(conv), BatchNorm2d(s / "downsample" / 1, out)};
  }
  return b;
}

Var ArcFace::run(const Block& b, const Var& x) const {
  const Var h = b.after(b.conv2(prelu(b.middle(b.conv1(b.before(x))), b.slope)));
  const Var sum = h + (b.shortcut ? b.shortcut->second(b.shortcut->first(x)) : x);
  return args.family == Family::rgb ? sum : prelu(sum, b.slope);
}

Var ArcFace::operator()(const Var& x) const {
  const int64_t size = args.size(), channels = args.family == Family::rgb ? 3 : 1;
  KIN_CHECK(x.rank() == 4 && x.dim(1) == size && x.dim(2) == size && x.dim(3) == channels, "arcface: x must be [N,", size, ",", size, ",",
            channels, "], got ", x.value());
  Var h = prelu(bn1_(conv1_(x)), slope_);
  if (args.family == Family::grey) h = max_pool(h, 2, 2);
  for (const Block& b : blocks_) h = run(b, h);
  h = permute(last_norm_(h), {0, 3, 1, 2});  // the published matrix counts channels first
  h = fc_(reshape(h, {x.dim(0), flat(args)}));
  return reshape(features_(reshape(h, {x.dim(0), 1, 1, args.embedding})), {x.dim(0), args.embedding});
}

}  // namespace kintsugi
