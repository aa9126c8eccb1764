// Networks are told from names and shapes, and `kintsugi convert` makes a checkpoint of what it recognises.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "data/image_file.h"
#include "models/codeformer/codeformer.h"
#include "models/known_nets.h"
#include "models/losses/lpips.h"
#include "models/vqgan/discriminator.h"
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

  // The program restores with either file, to the same picture.
  const std::string face = scratch / "face.png", first = scratch / "first.png", second = scratch / "second.png";
  write_image(face, Image(32, 32, 3, 0.25f));
  CHECK(run("restore " + face + " --weights " + in + " -o " + first) == 0);
  CHECK(run("restore " + face + " --weights " + out + " -o " + second) == 0);
  CHECK(read_image(first).pixels == read_image(second).pixels);
  CHECK(run("convert " + out + " " + (scratch / "x").string()) == 2);  // nothing to do
  CHECK(run("convert " + in + " " + in) == 2);
  CHECK(run("convert " + (scratch / "absent").string() + " " + out) == 1);

  // A tensor of another name: refused, and nothing is written.
  std::string cut = pth_of(store);
  for (size_t at; (at = cut.find("feat_emb.bias")) != cut.npos;) cut.replace(at, 13, "feat_emb.bent");
  std::ofstream(in, std::ios::binary | std::ios::trunc) << cut;
  const std::string refused = scratch / "refused.safetensors";
  CHECK(run("convert " + in + " " + refused) == 1);
  CHECK(!std::filesystem::exists(refused));
}
