// The reader of PyTorch checkpoints against files that PyTorch wrote; they are kept beside the source tree.
#include <doctest/doctest.h>

#include <cstring>

#include "nn/open_checkpoint.h"
#include "nn/pth/pth_file.h"
#include "tests/harness/golden.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

// The path of a recorded file, or nothing and a word that the test is skipped.
std::optional<std::string> recorded(const fs::path& name) {
  const fs::path folder = golden_folder();
  const fs::path path =
      name.has_parent_path() && *name.begin() == "weights" ? folder.parent_path() / name : folder / "checkpoints" / name;
  if (folder.empty() || !fs::exists(path)) {
    MESSAGE("skipped: no file " << name.string());
    return std::nullopt;
  }
  return path.string();
}

std::string error_of(const std::string& path) {
  try {
    const TensorSource s = open_checkpoint(path);
    for (const std::string& n : s.names) s.read(n);
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

}  // namespace

TEST_CASE("pth files: the same small network in every wrapping") {
  const auto expected = open_golden("checkpoints/mini_expected.safetensors");
  if (!expected) return;
  for (const char* name : {"mini_zip", "mini_legacy", "mini_module_prefix", "mini_bare_state_dict", "mini_parameters",
                           "mini_params_and_ema", "mini_fp16", "mini_bf16"}) {
    const auto path = recorded(std::string(name) + ".pth");
    if (!path) return;
    INFO(std::string(name));
    const PthFile file(*path);
    const bool halved = std::string(name) == "mini_params_and_ema";  // its params_ema holds half of the values
    const bool no_counter = std::string(name) == "mini_parameters";  // an integer cannot be a parameter
    CHECK(file.names().size() == expected->names().size() - no_counter);
    for (const std::string& n : expected->names()) {
      INFO(n);
      if (no_counter && n == "bn.num_batches_tracked") continue;
      const Tensor got = file.read(n), want = expected->read(n);
      REQUIRE(got.shape() == want.shape());
      if (std::string(name) == "mini_fp16" || std::string(name) == "mini_bf16") {
        // Rounding to 11 or 8 bits moves a value by at most half a unit in the last place; 2^-24 is half of the least half.
        const double ulp = std::string(name) == "mini_fp16" ? 0x1p-11 : 0x1p-8;
        for (int64_t i = 0; i < want.numel(); ++i)
          CHECK(std::abs(got.item(i) - want.item(i)) <= ulp * std::abs(want.item(i)) + 0x1p-24);
        if (want.dtype() == DType::f32) CHECK(got.dtype() == (std::string(name) == "mini_fp16" ? DType::f32 : DType::bf16));
      } else if (halved) {
        for (int64_t i = 0; i < want.numel(); ++i)
          CHECK(got.item(i) == (want.dtype() == DType::f32 ? want.item(i) / 2 : want.item(i)));
      } else {
        CHECK(same_bits(got, want));
      }
    }
  }
}

TEST_CASE("pth files: views of every kind, both forms") {
  const auto expected = open_golden("checkpoints/views_expected.safetensors");
  if (!expected) return;
  for (const char* name : {"views_zip.pth", "views_legacy.pth"}) {
    const auto path = recorded(name);
    if (!path) return;
    INFO(std::string(name));
    const PthFile file(*path);
    CHECK(file.names().size() == expected->names().size());
    for (const std::string& n : expected->names()) {
      INFO(n);
      CHECK(same_bits(file.read(n), expected->read(n)));
    }
    REQUIRE(file.others().size() == 4);
    CHECK(file.others()[0].name == "iter");
    CHECK(file.others()[1].what == "'text'");
    CHECK(file.others()[2].what == "list of 3");
  }
}

TEST_CASE("pth files: a training state") {
  const auto expected = open_golden("checkpoints/training_state_expected.safetensors");
  const auto path = recorded("training_state.pth");
  if (!expected || !path) return;
  const PthFile file(*path);
  REQUIRE(file.names().size() == 3);
  for (const char* n : {"exp_avg", "exp_avg_sq"})
    CHECK(same_bits(file.read(std::string("optimizers.0.state.0.") + n), expected->read(n)));
  CHECK(file.read("optimizers.0.state.0.step").item() == expected->read("step").item());
  CHECK(file.others()[1].name == "iter");
  CHECK(file.others()[1].what == "42");
}

TEST_CASE("pth files: all keys of the published network") {
  const auto path = recorded("codeformer_keys_stride0.pth");
  if (!path) return;
  const PthFile file(*path);
  CHECK(file.names().size() == 515);
  CHECK(file.shape("quantize.embedding.weight") == Shape{1024, 256});
  CHECK(file.shape("fuse_convs_dict.256.shift.2.weight") == Shape{128, 128, 3, 3});
  const Tensor t = file.read("encoder.blocks.0.weight");
  for (int64_t i = 1; i < t.numel(); ++i) REQUIRE(t.item(i) == t.item(0));
}

TEST_CASE("pth files: hostile and damaged ones are refused by name") {
  const std::pair<const char*, const char*> cases[] = {{"evil_zip.pth", "posix.system"},
                                                       {"evil_legacy.pth", "posix.system"},
                                                       {"evil_eval.pth", "eval"},
                                                       {"evil_plain.pkl", "posix.system"},
                                                       {"bad_truncated.pth", "cut short"},
                                                       {"bad_truncated_legacy.pth", "cut short"},
                                                       {"bad_random.pth", "bad_random.pth"},
                                                       {"bad_empty.pth", "is empty"},
                                                       {"bad_missing_storage.pth", "is missing"},
                                                       {"bad_short_storage.pth", "bytes"},
                                                       {"bad_path_traversal.pth", "refused: an entry is called"},
                                                       {"bad_oversized_view.pth", "of a storage of 4"},
                                                       {"bad_negative_offset.pth", "begins at element -3"},
                                                       {"bad_header_length.safetensors", "at most"},
                                                       {"bad_offsets.safetensors", "safetensors"},
                                                       {"bad_shape_overflow.safetensors", "overflows"}};
  for (const auto& [name, part] : cases) {
    const auto path = recorded(name);
    if (!path) return;
    const std::string message = error_of(*path);
    CHECK_MESSAGE(message.find(part) != std::string::npos, name, ": '", message, "' lacks '", part, "'");
  }
  CHECK(!fs::exists("PWNED"));
}

TEST_CASE("pth files: weights published by others") {
  struct Known {
    const char* file;
    size_t tensors;
    const char* tensor;
    Shape shape;
  };
  const Known files[] = {{"retinaface_mobilenet025_a.pth", 300, "body.stage1.0.0.weight", {8, 3, 3, 3}},
                         {"retinaface_mobilenet025_b.pth", 300, "ssh1.conv3X3.0.weight", {32, 64, 3, 3}},
                         {"mobilefacenet_casia_068.ckpt", 333, "conv1.conv.weight", {64, 3, 3, 3}},
                         {"mtcnn_pnet.pt", 13, "conv1.weight", {10, 3, 3, 3}},
                         {"mtcnn_rnet.pt", 16, "dense4.weight", {128, 576}},
                         {"mtcnn_onet.pt", 21, "dense5.weight", {256, 1152}},
                         {"lpips_lin_v01_alex.pth", 5, "lin0.model.1.weight", {1, 64, 1, 1}},
                         {"lpips_lin_v01_vgg.pth", 5, "lin4.model.1.weight", {1, 512, 1, 1}},
                         {"lpips_lin_v01_squeeze.pth", 7, "lin6.model.1.weight", {1, 512, 1, 1}},
                         {"espcn_x2.pth", 6, "", {}}};
  for (const Known& k : files) {
    const auto path = recorded(fs::path("weights") / k.file);
    if (!path) return;
    INFO(std::string(k.file));
    const PthFile file(*path);
    CHECK(file.names().size() == k.tensors);
    for (const std::string& n : file.names()) {
      const Tensor t = file.read(n);
      for (int64_t i = 0; i < t.numel(); i += 97) REQUIRE(std::isfinite(t.item(i)));
    }
    if (*k.tensor && file.has(k.tensor)) CHECK(file.shape(k.tensor) == k.shape);
    CHECK_MESSAGE((!*k.tensor || file.has(k.tensor)), file.names().front());
  }
  if (const auto path = recorded("weights/gfpgan_test_eye_mouth_landmarks.pth"))
    CHECK(error_of(*path).find("holds no tensors") != std::string::npos);
}
