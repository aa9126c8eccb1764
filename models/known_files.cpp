#include "models/known_files.h"

#include <algorithm>
#include <iterator>

#include "models/backbones/arcface.h"
#include "models/codeformer/codeformer.h"
#include "models/vqgan/discriminator.h"

namespace kintsugi {
namespace {

constexpr const char* kSLab = "NTU S-Lab License 1.0: non-commercial use only";
constexpr const char* kBsd2 = "BSD 2-clause";
constexpr const char* kMit = "MIT";

constexpr KnownFile kFiles[] = {
    {"1009e537e0c2a07d4cabce6355f53cb66767cd4b4297ec7a4a64ca4b8a5684b7", "codeformer.pth", "sczhou/CodeFormer v0.1.0", kSLab},
    {"b0d1b868c3dacf75d637bbcc0d4b3dd4ce2a064a338dfb4d35c740d3b4ae8797", "codeformer_inpainting.pth", "sczhou/CodeFormer v0.1.0", kSLab},
    {"dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44", "vgg19-dcbb9e9d.pth", "torchvision",
     "BSD 3-clause; trained on ImageNet, whose pictures are for research"},
    {"a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868", "LPIPS v0.1 vgg.pth", "richzhang/PerceptualSimilarity", kBsd2},
    {"df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0", "LPIPS v0.1 alex.pth", "richzhang/PerceptualSimilarity", kBsd2},
    {"4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76", "LPIPS v0.1 squeeze.pth", "richzhang/PerceptualSimilarity", kBsd2},
    {"5f88f7957d9eaef82b49b9e0202bc56e97292e2aede2999209accd34442cc4df", "RetinaFace MobileNet-0.25", "biubug6/Pytorch_Retinaface", kMit},
    {"ed6fa7d45a5179f03cb5ce82c73b0c6711372968e53782e88395acee88d319e1", "RetinaFace MobileNet-0.25, 300 pixels",
     "biubug6/Face-Detector-1MB-with-landmark", kMit},
    {"a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f", "MTCNN pnet.pt", "timesler/facenet-pytorch", kMit},
    {"bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86", "MTCNN rnet.pt", "timesler/facenet-pytorch", kMit},
    {"165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d", "MTCNN onet.pt", "timesler/facenet-pytorch", kMit},
    {"a4d7d234ead30ebca8f5fbeb13a0ca77ebe2a3cf4a0dd9e9d29a57381497eb37", "espcn_x2.pth", "ECNUSR/ETDS", "Apache 2.0"},
    {"e839247cdbdfc023fb7cadeaf53a4549d50c8fc24ad154c02e35920ea8910d99", "MobileFaceNet 068.ckpt", "Xiaoccer/MobileFaceNet_Pytorch",
     "none stated; trained on CASIA-WebFace, which is for research"},
};

// What published weights of this kind carry; the file at hand may be somebody's own.
const char* usual_terms(const std::string& kind) {
  if (kind == kCodeFormerKind || kind == kVqganKind || kind == kDiscriminatorKind)
    return "the published weights are under the NTU S-Lab License 1.0 (non-commercial); models trained on FFHQ are generally offered for "
           "non-commercial use";
  if (kind == kVgg19Kind) return "torchvision's weights are under BSD 3-clause";
  if (kind == kLpipsKind || kind == kLpipsHeadsKind) return "the published heads are under BSD 2-clause";
  if (kind == kArcFaceKind) return "published ArcFace weights are offered for non-commercial research";
  return nullptr;
}

}  // namespace

const KnownFile* find_known_file(const std::string& sha256) {
  const auto* found = std::find_if(std::begin(kFiles), std::end(kFiles), [&](const KnownFile& f) { return sha256 == f.sha256; });
  return found == std::end(kFiles) ? nullptr : found;
}

std::string licence_of(const KnownFile* file, const KnownNet& net) {
  if (file) return text(file->licence, " (", file->name, " of ", file->source, ")");
  const char* usual = usual_terms(net.kind);
  return text("not known for this file", usual ? text("; ", usual) : "");
}

}  // namespace kintsugi
