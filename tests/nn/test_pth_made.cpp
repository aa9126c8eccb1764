// The reader of PyTorch checkpoints against files made here, so that no outside file is needed.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include "nn/open_checkpoint.h"
#include "nn/pth/pth_file.h"
#include "nn/pth/zip.h"
#include "tests/nn/pth_writer.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

// Writes the bytes and opens them; the message of the Error, or "" when it loads.
struct Opener {
  MemoryFile made;
  std::string path = made.path();
  std::string error(const std::string& bytes) {
    made.write(bytes);
    try {
      const TensorSource s = open_checkpoint(path);
      for (const std::string& name : s.names) s.read(name);
    } catch (const Error& e) {
      return e.what();
    }
    return {};
  }
  PthFile open(const std::string& bytes) {
    made.write(bytes);
    return PthFile(path);
  }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
#define CHECK_SAYS(message, part) CHECK_MESSAGE(contains(message, part), "'", message, "' lacks '", part, "'")

std::string one(const TorchTensor& t) { return zip_checkpoint(pickle::dict({{"params", pickled_dict({t}, false)}}), {t}); }

void check_small(const PthFile& file) {
  CHECK(file.chosen() == "params_ema");
  CHECK(file.names() ==
        std::vector<std::string>{"conv.weight", "conv.bias", "transposed", "norm.running_mean", "norm.num_batches_tracked"});
  CHECK(file.shape("conv.weight") == Shape{2, 3, 2, 2});
  const Tensor w = file.read("conv.weight"), t = file.read("transposed");
  for (int64_t i = 0; i < 24; ++i) CHECK(w.item(i) == float(i) / 8 - 1);
  for (int64_t r = 0; r < 4; ++r)
    for (int64_t c = 0; c < 6; ++c) CHECK(t.item(r * 6 + c) == w.item(c * 4 + r));
  CHECK(file.read("norm.num_batches_tracked").dtype() == DType::i64);
  CHECK(file.read("norm.num_batches_tracked").item() == -7);
  REQUIRE(file.others().size() == 2);
  CHECK(file.others()[0].name == "iter");
  CHECK(file.others()[0].what == "1234");
  CHECK(file.others()[1].what == "0.0001");
}

}  // namespace

TEST_CASE("pth: made files come back, in both forms") {
  Opener o;
  check_small(o.open(small_zip()));
  check_small(o.open(small_legacy()));
  check_small(o.open(zip(zip_entries(small_object(false), small_tensors()), true)));
  auto wide = zip_entries(small_object(false), small_tensors());
  for (ZipEntry& e : wide) e.zip64 = true;
  check_small(o.open(zip(wide, true)));
  CHECK(o.open(small_zip()).form() == PthFile::Form::zip);
  CHECK(o.open(small_legacy()).form() == PthFile::Form::legacy);
}

TEST_CASE("pth: parameters load from it as from safetensors") {
  Opener o;
  ParameterStore store;
  const Scope s = store.root();
  const Var w = (s / "conv").param("weight", {2, 2, 2, 3}, Init::zeros(), Layout::conv);
  (s / "conv").param("bias", {2}, Init::zeros());
  (s / "norm").buffer("running_mean", {3}, 0);
  (s / "norm").buffer("num_batches_tracked", {}, 0, DType::i64);
  auto tensors = small_tensors();
  tensors.erase(tensors.begin() + 2);
  for (TorchTensor& t : tensors) t.name = "module." + t.name;
  o.open(legacy_checkpoint(pickled_dict(tensors, true), tensors));  // no wrapper
  load_parameters(open_checkpoint(o.path), store);
  CHECK(w.value().item(0) == -1);
  CHECK(w.value().item(1) == -0.5);  // channel 1 of the first position
}

TEST_CASE("pth: element types") {
  Opener o;
  const auto read = [&](const char* type, int64_t elements, const std::string& bytes) {
    return o.open(one({"t", type, {elements}, {1}, 0, elements, "0", bytes})).read("t");
  };
  const Tensor half = read("HalfStorage", 4, raw(std::vector<uint16_t>{0x3c00, 0xc000, 0x0001, 0x7c00}));
  CHECK(half.dtype() == DType::f32);
  CHECK(half.item(0) == 1);
  CHECK(half.item(1) == -2);
  CHECK(half.item(2) == 0x1p-24);
  CHECK(half.item(3) == std::numeric_limits<double>::infinity());
  const Tensor brain = read("BFloat16Storage", 1, raw(uint16_t(0x3fc0)));
  CHECK(brain.dtype() == DType::bf16);
  CHECK(brain.item() == 1.5);
  CHECK(read("DoubleStorage", 1, raw(0.1)).item() == 0.1);
  CHECK(read("IntStorage", 1, raw(int32_t(-5))).dtype() == DType::i32);
  CHECK(read("ShortStorage", 1, raw(int16_t(-5))).item() == -5);
  CHECK(read("CharStorage", 1, raw(int8_t(-5))).dtype() == DType::i32);
  CHECK(read("ByteStorage", 1, raw(uint8_t(200))).item() == 200);
  const Tensor flags = read("BoolStorage", 2, std::string("\x00\x02", 2));
  CHECK(flags.dtype() == DType::u8);
  CHECK(flags.item(1) == 1);
  CHECK_SAYS(o.error(one({"t", "ComplexFloatStorage", {1}, {1}, 0, 1, "0", std::string(8, '\0')})),
             "torch.ComplexFloatStorage is not supported");
}

TEST_CASE("pth: views are held against their storage") {
  Opener o;
  const std::string four = raw(std::vector<float>{1, 2, 3, 4});
  const auto view = [&](std::vector<int64_t> size, std::vector<int64_t> stride, int64_t offset, int64_t elements = 4) {
    return one({"v", "FloatStorage", std::move(size), std::move(stride), offset, elements, "0", four});
  };
  const Tensor repeated = o.open(view({3, 2}, {0, 2}, 1)).read("v");
  for (int64_t i = 0; i < 6; ++i) CHECK(repeated.item(i) == (i % 2 ? 4 : 2));
  CHECK(o.open(view({}, {}, 3)).read("v").item() == 4);
  CHECK(o.open(view({0, 5}, {5, 1}, 0)).read("v").numel() == 0);

  CHECK_SAYS(o.error(view({5}, {1}, 0)), "reaches element 4 of a storage of 4");
  CHECK_SAYS(o.error(view({2}, {1}, 3)), "reaches element 4");
  CHECK_SAYS(o.error(view({2}, {1}, -1)), "begins at element -1");
  CHECK_SAYS(o.error(view({2}, {-1}, 3)), "with stride -1");
  CHECK_SAYS(o.error(view({-1}, {1}, 0)), "a size of -1");
  CHECK_SAYS(o.error(view({int64_t(1) << 40, int64_t(1) << 40}, {0, 0}, 0)), "overflows");
  CHECK_SAYS(o.error(view({3}, {int64_t(1) << 62}, 0)), "overflow");
  CHECK_SAYS(o.error(view({int64_t(1) << 20, int64_t(1) << 20}, {0, 0}, 0)), "unfold to more than 16 GiB");
  CHECK_SAYS(o.error(view({1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1}, 0)), "rank 7");
  CHECK_SAYS(o.error(view({2}, {1, 1}, 0)), "1 sizes and 2 strides");
  CHECK_SAYS(o.error(view({2}, {1}, 0, 5)), "needs 5 elements and has 16 bytes");
}

TEST_CASE("pth: what a pickle may call") {
  Opener o;
  using namespace pickle;
  const auto t = small_tensors();
  const auto with = [&](const std::string& value) {
    return zip_checkpoint(dict({{"params", pickled_dict(t, false)}, {"x", value}}), t);
  };
  for (const std::string& evil :
       {call(global("posix", "system"), {string("touch PWNED")}), call(global("__builtin__", "eval"), {string("1")}),
        call("\x8c\x05posix\x8c\x06system\x93", {string("touch PWNED")}), global("posix", "system") + tuple({}) + "\x81",
        global("os", "system") + dict({}) + "b", call(global("torch.hub", "load"), {string("x")}),
        call(global("torch._utils", "_rebuild_sparse_tensor"), {})}) {
    const std::string message = o.error(with(evil));
    CHECK_SAYS(message, "to be run");
    CHECK_SAYS(message, "nothing is ever executed");
  }
  CHECK_SAYS(o.error(with(call(global("posix", "system"), {}))), "posix.system");
  CHECK_SAYS(o.error(whole(call(global("posix", "system"), {}))), "posix.system");  // a bare pickle
  CHECK_SAYS(o.error(legacy_checkpoint(call(global("posix", "system"), {}), {})), "posix.system");
  CHECK(!std::filesystem::exists("PWNED"));

  const PthFile lightning = o.open(with(call(global("argparse", "Namespace"), {}) + dict({{"lr", real(1)}}) + "b"));
  REQUIRE(lightning.others().size() == 1);
  CHECK(lightning.others()[0].what == "argparse.Namespace (not read)");
  CHECK(o.open(with(global("torch", "float32"))).others()[0].what == "torch.float32 (not read)");  // named, not called
}

TEST_CASE("pth: where the tensors are") {
  Opener o;
  using namespace pickle;
  const std::vector<TorchTensor> a{dense("w", {1}, {1}, "0")}, b{dense("w", {1}, {2}, "1")}, both{a[0], b[0]};
  const auto first = [&](const std::string& object) { return o.open(zip_checkpoint(object, both)); };
  const std::string in_a = pickled_dict(a, false), in_b = pickled_dict(b, false);

  const PthFile ema = first(dict({{"params", in_a}, {"params_ema", in_b}}));
  CHECK(ema.chosen() == "params_ema");
  CHECK(ema.read("w").item() == 2);
  CHECK(ema.others()[0].what == "dict of 1 (not used)");
  CHECK(first(dict({{"params_d", in_a}, {"params", in_b}})).read("w").item() == 2);
  CHECK(first(dict({{"params", in_a}, {"params_ema", "N"}})).read("w").item() == 1);
  CHECK(first(dict({{"epoch", integer(3)}, {"net_state_dict", in_a}})).chosen() == "net_state_dict");
  const PthFile nested = first(dict({{"optimizers", list({dict({{"state", in_a}})})}, {"more", in_b}}));
  CHECK(nested.names() == std::vector<std::string>{"optimizers.0.state.w", "more.w"});
  CHECK(first(pickled(a[0], false)).names() == std::vector<std::string>{"tensor"});

  CHECK_SAYS(o.error(zip_checkpoint(dict({{"iter", integer(1)}, {"note", string("x")}}), {})),
             "holds no tensors (iter: 1, note: 'x')");
  CHECK_SAYS(o.error(zip_checkpoint(pickled_dict({a[0], dense("module.w", {1}, {1}, "1")}, false), both)),
             "two tensors are named 'w'");
  CHECK_SAYS(o.error(zip_checkpoint(pickled_dict({dense("\xff", {1}, {1}, "0")}, false), a)), "is not text");
  CHECK_SAYS(o.error(zip_checkpoint(pickled_dict({dense("\x1b[2J", {1}, {1}, "0")}, false), a)), "is not text");

  std::string deep = in_a;
  for (int i = 0; i < 100; ++i) deep = dict({{"d", deep}});
  CHECK_SAYS(o.error(zip_checkpoint(deep, a)), "nested more than 64 deep");
  CHECK_SAYS(o.error(zip_checkpoint("}q\x01" + std::string("(") + string("self") + "h\x01u", {})),
             "nested more than 64 deep");  // holds itself
  // Thirty lists, each holding the one before twice: a billion values in 200 bytes.
  std::string doubled =
      "](K\x01"
      "e";
  for (char i = 1; i <= 30; ++i) doubled = doubled + "q" + i + "0](" + "h" + i + "h" + i + "e";
  CHECK_SAYS(o.error(zip_checkpoint(doubled, {})), "unfold to more than");
}

TEST_CASE("pth: archives that are not what they should be") {
  Opener o;
  const auto entries = zip_entries(small_object(false), small_tensors());
  const auto with = [&](const std::function<void(std::vector<ZipEntry>&)>& change) {
    auto changed = entries;
    change(changed);
    return o.error(zip(changed));
  };
  CHECK(o.error(zip(entries)).empty());
  CHECK_SAYS(with([](auto& e) { e[1].bytes = "big"; }), "byte order must be little, got 'big'");
  CHECK_SAYS(with([](auto& e) { e[2].method = 8; }), "is compressed");
  CHECK_SAYS(with([](auto& e) { e.erase(e.begin() + 2); }), "storage '0' is missing");
  CHECK_SAYS(with([](auto& e) { e[2].bytes.pop_back(); }), "has 95 bytes");
  CHECK_SAYS(with([](auto& e) { e[3].name = e[2].name; }), "occurs twice");
  CHECK_SAYS(with([](auto& e) { e.erase(e.begin()); }), "holds 0 entries data.pkl");
  CHECK_SAYS(with([](auto& e) { e.push_back({"other/data.pkl", e[0].bytes}); }), "holds 2 entries data.pkl");
  CHECK_SAYS(with([](auto& e) { e.push_back({"archive/constants.pkl", ""}); }), "TorchScript");
  for (const char* name : {"../x", "archive/../../x", "/etc/x", "a\\..\\x", "archive/.."})
    CHECK_SAYS(with([&](auto& e) { e.push_back({name, ""}); }), "refused: an entry is called");
  CHECK_SAYS(o.error(legacy_checkpoint(small_object(true), small_tensors(), false)), "byte order must be little");
  CHECK_SAYS(o.error(legacy_checkpoint(small_object(true), {small_tensors()[0]})), "is missing");
  CHECK_SAYS(o.error(""), "is empty");
  CHECK_SAYS(o.error("<!DOCTYPE html>"), "a download that failed");
  CHECK_SAYS(o.error(std::string(257, '\0') + "ustar"), "tar archive");
  CHECK_SAYS(o.error("just text"), "is not a file of weights");
  CHECK_SAYS(o.error("\x80\x02K\x01."), "is a pickle, but not a checkpoint");
}

TEST_CASE("pth: cut short at every length") {
  Opener o;
  for (const std::string& whole : {small_zip(), small_legacy()}) {
    REQUIRE(o.error(whole).empty());
    for (size_t length = 0; length < whole.size(); ++length) {
      const std::string message = o.error(whole.substr(0, length));
      CHECK_MESSAGE(!message.empty(), length, " of ", whole.size(), " bytes load");
    }
  }
}
