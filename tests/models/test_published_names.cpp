// Names, shapes and counts of the networks that read the published checkpoints.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "models/backbones/arcface.h"
#include "models/codeformer/codeformer.h"
#include "models/losses/lpips.h"
#include "models/vqgan/discriminator.h"
#include "nn/checkpoint.h"
#include "tests/harness/golden.h"

using namespace kintsugi;

namespace {

// The weights are not written, so the pages of these large stores are never touched.
const StoreOptions kUnwritten{.initialise = false};

std::string shape_text(const Shape& s) {
  if (s.rank() == 0) return "scalar";
  std::string out;
  for (int64_t d : s) out += (out.empty() ? "" : "x") + std::to_string(d);
  return out;
}

// One column of the table of keys: (name, shape) of the entries that a file has, in order; empty when the table is absent.
std::vector<std::pair<std::string, std::string>> published(const std::string& column) {
  std::ifstream in(golden_folder().parent_path() / "reference" / "codeformer_keys.tsv");
  std::vector<std::pair<std::string, std::string>> out;
  size_t wanted = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) continue;
    std::vector<std::string> cells;
    std::istringstream cut(line);
    for (std::string cell; std::getline(cut, cell, '\t');) cells.push_back(cell);
    if (cells[0] == "key") {
      wanted = size_t(std::find(cells.begin(), cells.end(), column) - cells.begin());
    } else if (cells.at(wanted) != "-") {
      out.emplace_back(cells[0], cells[wanted]);
    }
  }
  if (out.empty()) MESSAGE("skipped: no codeformer_keys.tsv");
  return out;
}

// A table of one network: lines of name and shape, "num_batches_tracked" included.
std::vector<std::pair<std::string, std::string>> published_alone(const std::string& file) {
  std::ifstream in(golden_folder().parent_path() / "reference" / "keys" / file);
  std::vector<std::pair<std::string, std::string>> out;
  for (std::string line; std::getline(in, line);)
    if (const size_t tab = line.find('\t'); !line.starts_with("#") && tab != std::string::npos) out.emplace_back(line.substr(0, tab), line.substr(tab + 1));
  if (out.empty()) MESSAGE("skipped: no " << file);
  return out;
}

void compare(const ParameterStore& store, const std::vector<std::pair<std::string, std::string>>& keys) {
  if (keys.empty()) return;
  REQUIRE(store.entries().size() == keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    const ParameterStore::Entry& e = store.entries()[i];
    CHECK(e.name == keys[i].first);
    CHECK(shape_text(file_shape(e.value().shape(), e.layout)) == keys[i].second);
  }
}

void compare(const ParameterStore& store, const std::string& column) { compare(store, published(column)); }

}  // namespace

TEST_CASE("published names: CodeFormer") {
  ParameterStore store(kUnwritten);
  const CodeFormer net(store.root());
  CHECK(store.parameter_count() == 94112707);
  CHECK(store.entries().size() == 515);
  compare(store, "codeformer.pth");
  freeze_codebook_and_generator(store);
  CHECK(store.trainable_count() == 59788608);
  const std::map<int64_t, int> taps{{32, 14}, {64, 11}, {128, 8}, {256, 5}}, sites{{32, 9}, {64, 12}, {128, 15}, {256, 18}};
  CHECK(net.args.taps == taps);
  CHECK(net.args.sites == sites);
  CHECK(&net.last_layer(true) == &net.fuse_convs_dict.back().second.shift.second.weight);
}

TEST_CASE("published names: CodeFormer for colourisation and inpainting") {
  ParameterStore colour(kUnwritten), paint(kUnwritten);
  CodeFormerArgs args{.connect_list = {32, 64, 128}};
  const CodeFormer c(colour.root(), args);
  args.backbone.codebook_size = 512;
  const CodeFormer p(paint.root(), args);
  CHECK(colour.parameter_count() == 93046083);
  CHECK(paint.parameter_count() == 92652867);
  compare(colour, "codeformer_colorization.pth");
  compare(paint, "codeformer_inpainting.pth");
}

TEST_CASE("published names: fusion at the outermost scales") {
  ParameterStore store(kUnwritten);
  const CodeFormer net(store.root(), {.connect_list = {16, 512}});
  const std::map<int64_t, int> taps{{16, 18}, {512, 2}}, sites{{16, 6}, {512, 21}};
  CHECK(net.args.taps == taps);
  CHECK(net.args.sites == sites);
}

TEST_CASE("published names: VQGAN") {
  ParameterStore store(kUnwritten);
  const VQAutoEncoder net(store.root(), {});
  CHECK(store.parameter_count() == 63740099);
  compare(store, "vqgan_code1024.pth");
}

TEST_CASE("published names: discriminator") {
  ParameterStore store;
  const Discriminator net(store.root());
  CHECK(store.parameter_count() == 6960961);
  CHECK(store.state_count() == 6963781);
  compare(store, "vqgan_discriminator.pth");
}

TEST_CASE("published names: VGG") {
  ParameterStore torchvision(kUnwritten), perceptual(kUnwritten), lpips(kUnwritten);
  const Vgg vgg(torchvision.root(), VggDepth::vgg19, VggNames::features, "relu5_4");
  CHECK(torchvision.parameter_count() == 20024384);
  CHECK(torchvision.entries().back().name == "features.34.bias");
  CHECK(torchvision.trainable_count() == 0);
  const PerceptualLoss loss(perceptual.root(), {});
  CHECK(perceptual.entries().front().name == "vgg_net.conv1_1.weight");
  CHECK(perceptual.entries().back().name == "vgg_net.conv5_4.bias");
  const Lpips metric(lpips.root());
  CHECK(lpips.has("net.slice5.28.weight"));
  CHECK(lpips.has("net.slice3.14.bias"));
  CHECK(file_shape(lpips.at("lin0.model.1.weight").value().shape(), Layout::conv) == Shape{1, 64, 1, 1});
  CHECK(lpips.parameter_count() == 14714688 + 64 + 128 + 256 + 512 + 512);
}

TEST_CASE("arguments survive a checkpoint's metadata") {
  CodeFormerArgs args{.backbone = {.img_size = 64, .nf = 32, .ch_mult = {1, 1, 2}, .beta_on = BetaOn::commitment},
                      .dim_embd = 32,
                      .n_head = 4,
                      .connect_list = {32},
                      .taps = {{32, 5}}};
  const CodeFormerArgs back = codeformer_args_from_json(to_json(args));
  CHECK(to_json(back) == to_json(args));
  CHECK(back.backbone.beta_on == BetaOn::commitment);
  CHECK(back.taps == args.taps);
  CHECK(discriminator_args_from_json(to_json(DiscriminatorArgs{3, 8, 2})).ndf == 8);
  CHECK_THROWS_WITH_AS(discriminator_args_from_json(R"({"nc":3,"ndf":8})"), "discriminator: the argument 'n_layers' is missing",
                       Error);
  CHECK_THROWS_WITH_AS(discriminator_args_from_json(R"({"nc":3,"ndf":8,"n_layers":2,"width":1})"),
                       "discriminator: there is no argument 'width'", Error);
  CHECK_THROWS_AS(vqgan_args_from_json("[]"), Error);
}

TEST_CASE("networks that cannot be built say which argument is wrong") {
  ParameterStore a, b, c(kUnwritten);
  CHECK_THROWS_WITH_AS(VQAutoEncoder(a.root(), {.nf = 48}), doctest::Contains("nf must be a multiple of 32"), Error);
  const CodeFormerArgs no_16{.backbone = {.img_size = 64, .nf = 32, .ch_mult = {1, 1}}, .connect_list = {16}};
  CHECK_THROWS_WITH_AS(CodeFormer(b.root(), no_16), doctest::Contains("connect_list names 16"), Error);
  CHECK_THROWS_WITH_AS(Vgg(c.root(), VggDepth::vgg16, VggNames::features, "relu5_4"), doctest::Contains("no feature 'relu5_4'"),
                       Error);
}

TEST_CASE("published names: ArcFace on RGB and on grey") {
  ParameterStore rgb(kUnwritten), grey(kUnwritten);
  ArcFace(rgb.root(), {});
  compare(rgb, published_alone("iresnet50.tsv"));
  ArcFace(grey.root(), {.family = ArcFaceArgs::Family::grey, .blocks = {2, 2, 2, 2}});
  compare(grey, published_alone("resnet_arcface_gray.tsv"));
}
