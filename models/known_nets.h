// Which network a file of weights holds: said by the file itself when it is one of ours, else told from its names and shapes.
#pragma once
#include <string>
#include <vector>

#include "nn/open_checkpoint.h"

namespace kintsugi {

inline constexpr const char* kVgg19Kind = "vgg19";
inline constexpr const char* kLpipsKind = "lpips";
inline constexpr const char* kLpipsHeadsKind = "lpips_heads";

struct KnownNet {
  std::string kind = kUnknownKind;  // as in CheckpointInfo
  std::string arguments = "{}";     // its constructor's, JSON
  TensorSource tensors;             // under the network's own names
  std::vector<std::string> unused;  // names of the file that the network has no use for, e.g. a classifier's
  bool known() const { return kind != kUnknownKind; }

  static constexpr const char* kUnknownKind = "unknown";
};

/// Recognises CodeFormer (restoration, colourisation, inpainting, and other sizes), its VQGAN and discriminator, VGG19 (as
/// CodeFormer's perceptual loss or torchvision calls it; the former's names result), LPIPS with its VGG16 or its linear heads alone, and
/// ArcFace (insightface's on RGB, the CodeFormer programs' on grey). Every name must
/// belong to the network; whether all are there and fit is left to load_parameters. What shapes cannot tell has the published
/// value: 8 heads, beta 0.25, 32 groups, a VQGAN's image size of 512, the published taps and sites of fusion.
KnownNet recognise(const TensorSource& source);

/// Whether the file is a checkpoint of this program, which says itself what it holds. Throws Error as weight_format does.
bool is_own_checkpoint(const std::string& path);

/// Opens a file of any format and says what it holds: by its metadata when it is a checkpoint of this program, else by
/// recognise(). Throws Error as open_checkpoint does, and for a checkpoint of a newer version.
KnownNet open_network(const std::string& path);

/// The same, and throws Error unless it is of this kind: "x.pth: holds a vqgan, expected a codeformer".
KnownNet open_network(const std::string& path, const std::string& kind);

/// Registers the parameters of a known network. Throws Error for another kind and for arguments that cannot be built.
void register_parameters(const KnownNet& net, ParameterStore& store);

/// "restore", "colorize" or "inpaint" when it has the sizes of CodeFormer's published network for that task, else empty. The colour
/// and inpainting networks leave out the finest fusion, and the latter has half of the codes.
std::string published_task(const KnownNet& net);

/// In words: "CodeFormer for restoration (fusion at 32, 64, 128, 256; 1024 codes)".
std::string describe(const KnownNet& net);

}  // namespace kintsugi
