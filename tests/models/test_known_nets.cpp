// Networks are told from names and shapes, and `kintsugi convert` makes a checkpoint of what it recognises.
#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "data/image_file.h"
#include "models/backbones/arcface.h"
#include "models/codeformer/codeformer.h"
#include "models/known_files.h"
#include "models/losses/lpips.h"
#include "models/vqgan/discriminator.h"
#include "tensor/sha256.h"
#include "tests/harness/golden.h"
#include "tests/harness/scratch.h"
#include "tests/nn/pth_writer.h"

using namespace kintsugi;

namespace {

// Names and shapes of a store as a file would give them; no values.
TensorSource names_of(const ParameterStore& store) {
  TensorSource out{
      "made", {}, [&store](const std::string& n) { return file_shape(store.at(n).value().shape(), store.at(n).layout); }, {}};
  for (const auto& e : store.entries()) out.names.push_back(e.name);
  return out;
}

template <class Net, class Args>
KnownNet recognised(const Args& args) {
  ParameterStore store({.initialise = false});
  const Net net(store.root(), args);
  KnownNet known = recognise(names_of(store));
  ParameterStore again({.initialise = false});
  register_parameters(known, again);
  CHECK(again.entries().size() == store.entries().size());
  return known;
}

const CodeFormerArgs kSmall{.backbone = {.img_size = 32,
                                         .nf = 32,
                                         .ch_mult = {1, 2},
                                         .res_blocks = 1,
                                         .attn_resolutions = {16},
                                         .codebook_size = 24,
                                         .emb_dim = 16},
                            .dim_embd = 32,
                            .n_layers = 2,
                            .connect_list = {16, 32}};

// A state dict as torch.save would write it, under params_ema.
std::string pth_of(const ParameterStore& store) {
  using namespace kintsugi::testing;
  std::vector<TorchTensor> tensors;
  for (const auto& e : store.entries()) {
    const Tensor t = to_file_layout(e.value(), e.layout);
    const auto values = t.span<float>();
    tensors.push_back(
        dense(e.name, {t.shape().begin(), t.shape().end()}, {values.begin(), values.end()}, std::to_string(tensors.size())));
  }
  return zip_checkpoint(pickle::dict({{"params_ema", pickled_dict(tensors, false)}}), tensors);
}

int run(const std::string& arguments) {
  return std::system((std::string(KIN_PROGRAM) + " " + arguments + " > /dev/null 2>&1").c_str()) / 256;
}

}  // namespace

TEST_CASE("known nets: every published network from its names and shapes") {
  CodeFormerArgs args;
  KnownNet net = recognised<CodeFormer>(args);
  CHECK(net.kind == kCodeFormerKind);
  CHECK(net.arguments == to_json(args));
  CHECK(describe(net).starts_with("CodeFormer for restoration, 512 pixels"));
  args.connect_list = {32, 64, 128};
  net = recognised<CodeFormer>(args);
  CHECK(net.arguments == to_json(args));
  CHECK(describe(net).starts_with("CodeFormer for colourisation"));
  args.backbone.codebook_size = 512;
  net = recognised<CodeFormer>(args);
  CHECK(net.arguments == to_json(args));
  CHECK(describe(net).starts_with("CodeFormer for inpainting"));

  CHECK(recognised<VQAutoEncoder>(VqganArgs{}).arguments == to_json(VqganArgs{}));
  const DiscriminatorArgs d{.ndf = 16, .n_layers = 3};
  CHECK(recognised<Discriminator>(DiscriminatorArgs{}).kind == kDiscriminatorKind);
  CHECK(recognised<Discriminator>(d).arguments == to_json(d));
  CHECK(recognised<PerceptualLoss>(PerceptualArgs{}).kind == "vgg19");

  ParameterStore lpips({.initialise = false});
  Lpips{lpips.root()};
  CHECK(recognise(names_of(lpips)).kind == "lpips");
}

TEST_CASE("known nets: other sizes; what is not known stays unknown") {
  const KnownNet small = recognised<CodeFormer>(kSmall);
  CHECK(small.arguments == to_json(kSmall));

  ParameterStore store({.initialise = false});
  const CodeFormer net(store.root(), kSmall);
  TensorSource source = names_of(store);
  const auto shape = source.shape;
  source.shape = [shape](const std::string& n) { return n == "head.weight" ? Shape{2} : shape(n); };
  source.names.push_back("head.weight");
  CHECK(!recognise(source).known());
  CHECK(!recognise({"empty", {}, {}, {}}).known());
}

TEST_CASE("known nets: torchvision's VGG19 gets the perceptual loss's names, without its classifier") {
  ParameterStore store({.initialise = false});
  const Vgg vgg(store.root(), VggDepth::vgg19, VggNames::features, "conv5_4");
  TensorSource source = names_of(store);
  source.names.push_back("classifier.0.weight");
  const KnownNet net = recognise(source);
  CHECK(net.kind == "vgg19");
  CHECK(net.unused == std::vector<std::string>{"classifier.0.weight"});
  ParameterStore wanted({.initialise = false});
  register_parameters(net, wanted);
  REQUIRE(net.tensors.names.size() == wanted.entries().size());
  for (const auto& e : wanted.entries()) CHECK(net.tensors.shape(e.name) == file_shape(e.value().shape(), e.layout));
}

TEST_CASE("convert: a PyTorch checkpoint becomes one of ours") {
  const Scratch scratch;
  const std::string in = scratch / "net.pth", out = scratch / "net.safetensors";
  ParameterStore store({.seed = 5});
  const CodeFormer net(store.root(), kSmall);
  std::ofstream(in, std::ios::binary) << pth_of(store);
  REQUIRE(run("convert " + in + " " + out) == 0);

  const CheckpointInfo info = checkpoint_info(SafetensorsFile(out), kCodeFormerKind);
  ParameterStore again({.seed = 6});
  const CodeFormer same(again.root(), codeformer_args_from_json(info.arguments));
  load_checkpoint(out, kCodeFormerKind, again);
  CHECK(again.state_hash() == store.state_hash());
  CHECK(open_network(out).arguments == info.arguments);
  CHECK(open_network(in).arguments == info.arguments);

  CHECK(run("info " + in + " " + out) == 0);
  const Metadata metadata = SafetensorsFile(out).metadata();
  CHECK(metadata.at("converted_from") == "net.pth");
  CHECK(metadata.at("converted_from_sha256") == sha256_of_file(in));
  CHECK(metadata.at("licence").starts_with("not known for this file; the published weights are under the NTU S-Lab License"));
  CHECK(metadata.at("notice").find("terms apply to this file too") != std::string::npos);

  // What another program sees: the published names in their order's set, and PyTorch's axes.
  const SafetensorsFile file(out);
  for (const auto& e : store.entries()) CHECK(file.read(e.name).shape() == file_shape(e.value().shape(), e.layout));
  const std::string conv = "encoder.blocks.0.weight";
  const Tensor oihw = file.read(conv), ohwi = store.at(conv).value();
  REQUIRE(oihw.shape() == Shape{32, 3, 3, 3});
  for (int64_t o = 0; o < 32; ++o)
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t k = 0; k < 9; ++k) CHECK(oihw.data<float>()[(o * 3 + i) * 9 + k] == ohwi.data<float>()[(o * 9 + k) * 3 + i]);

  // The program restores with either file, to the same picture.
  const std::string face = scratch / "face.png", first = scratch / "first.png", second = scratch / "second.png";
  write_image(face, Image(32, 32, 3, 0.25f));
  CHECK(run("restore " + face + " --weights " + in + " -o " + first) == 0);
  CHECK(run("restore " + face + " --weights " + out + " -o " + second) == 0);
  CHECK(read_image(first).pixels == read_image(second).pixels);
  CHECK(run("convert " + out + " " + (scratch / "x").string()) == 2);  // nothing to do
  CHECK(run("convert " + in + " " + in) == 2);
  CHECK(run("convert " + (scratch / "absent").string() + " " + out) == 1);

  // A file's name may be no UTF-8, which JSON cannot hold.
  const std::string odd = scratch / "a\xe9.pth", of_odd = scratch / "odd.safetensors";
  std::filesystem::copy_file(in, odd);
  CHECK(run("convert --json " + odd + " " + of_odd) == 0);
  CHECK(SafetensorsFile(of_odd).metadata().at("converted_from") == "a\xef\xbf\xbd.pth");
  CHECK(run("info --json " + odd) == 0);

  // A tensor of another name: refused, and nothing is written.
  std::string cut = pth_of(store);
  for (size_t at; (at = cut.find("feat_emb.bias")) != cut.npos;) cut.replace(at, 13, "feat_emb.bent");
  std::ofstream(in, std::ios::binary | std::ios::trunc) << cut;
  const std::string refused = scratch / "refused.safetensors";
  CHECK(run("convert " + in + " " + refused) == 1);
  CHECK(!std::filesystem::exists(refused));
}

TEST_CASE("known nets: ArcFace in both families, and LPIPS's heads alone") {
  const KnownNet rgb = recognised<ArcFace>(ArcFaceArgs{});
  CHECK(rgb.kind == kArcFaceKind);
  CHECK(rgb.arguments == to_json(ArcFaceArgs{}));
  CHECK(describe(rgb) == "ArcFace (RGB, 112 pixels; blocks 3, 4, 14, 3; 512 numbers)");
  const ArcFaceArgs grey{.family = ArcFaceArgs::Family::grey, .blocks = {2, 2, 2, 2}};
  CHECK(recognised<ArcFace>(grey).arguments == to_json(grey));

  for (const std::vector<int64_t>& widths : {std::vector<int64_t>{64, 192, 384, 256, 256}, {64, 128, 256, 384, 384, 512, 512}}) {
    TensorSource heads{"made", {}, [&](const std::string& n) { return Shape{1, widths[size_t(n[3] - '0')], 1, 1}; }, {}};
    for (size_t k = 0; k < widths.size(); ++k) heads.names.push_back(text("lin", k, ".model.1.weight"));
    const KnownNet net = recognise(heads);
    CHECK(net.kind == kLpipsHeadsKind);
    CHECK(describe(net).starts_with(widths.size() == 5 ? "LPIPS heads for AlexNet" : "LPIPS heads for SqueezeNet"));
    ParameterStore store({.initialise = false});
    register_parameters(net, store);
    REQUIRE(store.entries().size() == widths.size());
    for (const auto& e : store.entries()) CHECK(file_shape(e.value().shape(), e.layout) == heads.shape(e.name));
  }
}

TEST_CASE("known nets: the constants and the second copy of the heads in a whole LPIPS module are left out") {
  ParameterStore store({.initialise = false});
  Lpips{store.root()};
  TensorSource source = names_of(store);
  const size_t kept = source.names.size();
  for (const char* extra : {"scaling_layer.shift", "scaling_layer.scale", "lins.0.model.1.weight"}) source.names.push_back(extra);
  const KnownNet net = recognise(source);
  CHECK(net.kind == kLpipsKind);
  CHECK(net.unused.size() == 3);
  CHECK(net.tensors.names.size() == kept);
}

TEST_CASE("known nets: which task the published sizes are for") {
  const auto task = [](std::vector<int64_t> connect, int64_t codes, int64_t size = 512) {
    CodeFormerArgs args;
    args.connect_list = std::move(connect);
    args.backbone.codebook_size = codes;
    args.backbone.img_size = size;
    return published_task({kCodeFormerKind, to_json(args), {}, {}});
  };
  CHECK(task({32, 64, 128, 256}, 1024) == "restore");
  CHECK(task({32, 64, 128}, 1024) == "colorize");
  CHECK(task({32, 64, 128}, 512) == "inpaint");
  CHECK(task({32, 64, 128, 256}, 512) == "");
  CHECK(task({32, 64, 128, 256}, 1024, 256) == "");
  CHECK(published_task({kVqganKind, to_json(VqganArgs{}), {}, {}}) == "");
}

TEST_CASE("known files: terms by hash, by network, and none") {
  const KnownFile* file = find_known_file("1009e537e0c2a07d4cabce6355f53cb66767cd4b4297ec7a4a64ca4b8a5684b7");
  REQUIRE(file);
  CHECK(std::string(file->name) == "codeformer.pth");
  CHECK(licence_of(file, {}).find("non-commercial") != std::string::npos);
  CHECK(!find_known_file(std::string(64, '0')));
  CHECK(licence_of(nullptr, {kVqganKind, "{}", {}, {}}).starts_with("not known for this file; the published weights are under"));
  CHECK(licence_of(nullptr, {}) == "not known for this file");
}

TEST_CASE("known files: real weights made by others are told by their hash, and those of known networks convert") {
  const auto folder = golden_folder().parent_path() / "weights";
  struct Real {
    const char *file, *kind, *licence;
  };
  for (const Real& real : {Real{"lpips_lin_v01_vgg.pth", kLpipsHeadsKind, "BSD 2-clause"}, Real{"lpips_lin_v01_alex.pth", kLpipsHeadsKind, "BSD 2-clause"},
                           Real{"lpips_lin_v01_squeeze.pth", kLpipsHeadsKind, "BSD 2-clause"},
                           Real{"retinaface_mobilenet025_a.pth", KnownNet::kUnknownKind, "MIT"},
                           Real{"espcn_x2.pth", KnownNet::kUnknownKind, "Apache 2.0"},
                           Real{"mobilefacenet_casia_068.ckpt", KnownNet::kUnknownKind, "none stated"}}) {
    const auto path = folder / real.file;
    if (golden_folder().empty() || !std::filesystem::exists(path)) {
      MESSAGE("skipped: no " << real.file);
      continue;
    }
    CAPTURE(real.file);
    const KnownNet net = open_network(path.string());
    CHECK(net.kind == real.kind);
    const KnownFile* known = find_known_file(sha256_of_file(path));
    REQUIRE(known);
    CHECK(std::string(known->licence).starts_with(real.licence));

    const Scratch scratch;
    const std::string out = scratch / "out.safetensors";
    REQUIRE(run("convert '" + path.string() + "' " + out) == 0);
    const SafetensorsFile file(out);
    CHECK(file.metadata().at("licence").starts_with(real.licence));
    CHECK(open_network(out).kind == real.kind);
    const TensorSource source = open_checkpoint(path.string());
    REQUIRE(file.names().size() == source.names.size());
    for (const std::string& n : source.names) {
      const Tensor a = source.read(n), b = file.read(n);
      CHECK(a.shape() == b.shape());
      CHECK(std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
    }
  }
}
