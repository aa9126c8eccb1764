// ArcFace (Deng et al., "ArcFace: additive angular margin loss for deep face recognition", CVPR 2019): faces to embeddings whose
// angle tells people apart. Used with fixed, pretrained weights, under the names of the published files.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "nn/layers.h"

namespace kintsugi {

struct ArcFaceArgs {
  /// Which of the two published families.
  ///   rgb:  "iresnet" of insightface. [N,112,112,3]; a PReLU slope per channel, none after the sum of a block.
  ///   grey: "ResNetArcFace" of the CodeFormer and DAEFR programs. [N,128,128,1]; one PReLU slope per block, used again after the sum.
  enum class Family : uint8_t { rgb, grey } family = Family::rgb;
  std::vector<int64_t> blocks = {3, 4, 14, 3};  // per layer: 2,2,2,2 is r18; 3,4,14,3 r50; 3,13,30,3 r100
  int64_t width = 64;                           // of the first layer; each next one has twice that
  int64_t embedding = 512;
  int64_t size() const { return family == Family::rgb ? 112 : 128; }
};
std::string to_json(const ArcFaceArgs& args);
ArcFaceArgs arcface_args_from_json(const std::string& json);

/// Image [N,S,S,C] in [-1,1], S = args.size(), C = 3 or 1, to embeddings [N, embedding], not normalised. Dropout is left out: it does
/// nothing in eval mode, which published weights are used in.
class ArcFace {
 public:
  ArcFace(Scope s, const ArcFaceArgs& args = {});
  Var operator()(const Var& x) const;
  const ArcFaceArgs args;

 private:
  struct Block {
    BatchNorm2d before;
    Conv2d conv1;
    BatchNorm2d middle;
    Var slope;
    Conv2d conv2;
    BatchNorm2d after;
    std::optional<std::pair<Conv2d, BatchNorm2d>> shortcut;
  };
  Block block(Scope s, int64_t in, int64_t out, int stride) const;
  Var run(const Block& b, const Var& x) const;

  Conv2d conv1_;
  BatchNorm2d bn1_;
  Var slope_;
  std::vector<Block> blocks_;
  BatchNorm2d last_norm_;
  Linear fc_;
  BatchNorm2d features_;
};

inline constexpr const char* kArcFaceKind = "arcface";

}  // namespace kintsugi
