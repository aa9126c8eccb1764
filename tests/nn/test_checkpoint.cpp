#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>

#include "nn/checkpoint.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;

namespace {

// A convolution, a norm with buffers and a vector.
struct Small {
  ParameterStore store;
  Var conv, bias;
  Tensor mean, count;
  explicit Small(uint64_t seed, DType dtype = DType::f32, int64_t width = 4) : store({dtype, seed}) {
    const Scope s = store.root();
    conv = (s / "conv").param("weight", {width, 3, 3, 2}, Init::normal(0, 1), Layout::conv);
    bias = (s / "conv").param("bias", {width}, Init::normal(0, 1));
    mean = (s / "norm").buffer("running_mean", {width}, double(seed));
    count = (s / "norm").buffer("num_batches_tracked", {}, double(seed), DType::i64);
  }
};

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("checkpoint: layouts") {
  const Tensor t = Tensor::of<float>({1, 2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const Tensor file = to_file_layout(t, Layout::conv);
  CHECK(file.shape() == Shape{1, 3, 2, 2});
  CHECK(file.item(1) == 3);  // channel 0, second position
  CHECK(file.item(4) == 1);
  const Tensor back = from_file_layout(file, Layout::conv);
  CHECK(back.shape() == t.shape());
  CHECK(std::memcmp(back.raw(), t.raw(), t.bytes()) == 0);
  CHECK(file_shape({8, 3, 3, 5}, Layout::conv) == Shape{8, 5, 3, 3});
}

TEST_CASE("checkpoint: round trip in PyTorch's layout") {
  Scratch scratch;
  const std::string path = scratch / "a.safetensors";
  const Small a(7);
  save_checkpoint(path, {"small", R"({"width":4})"}, {{"", &a.store}}, {}, {{"iteration", "12"}});
  CHECK(scratch.entries() == 1);

  const SafetensorsFile file(path);
  CHECK(file.shape("conv.weight") == Shape{4, 2, 3, 3});
  CHECK(file.metadata().at("iteration") == "12");
  const CheckpointInfo info = checkpoint_info(file, "small");
  CHECK(info.arguments == R"({"width":4})");

  Small b(8);
  CHECK(b.store.state_hash() != a.store.state_hash());
  load_checkpoint(path, "small", b.store);
  CHECK(b.store.state_hash() == a.store.state_hash());

  Small wide(8, DType::f64);
  load_checkpoint(path, "small", wide.store);
  CHECK(wide.conv.value().item(5) == a.conv.value().item(5));
  CHECK(wide.count.item() == 7);
}

TEST_CASE("checkpoint: several networks in one file") {
  Scratch scratch;
  const std::string path = scratch / "both.safetensors";
  const Small g(1), d(2);
  save_checkpoint(path, {"pair", "{}"}, {{"g.", &g.store}, {"d.", &d.store}}, {{"optim.step", Tensor::scalar(3)}});
  Small h(5);
  load_checkpoint(path, "pair", h.store, "d.");
  CHECK(h.store.state_hash() == d.store.state_hash());
  CHECK(SafetensorsFile(path).read("optim.step").item() == 3);
}

TEST_CASE("checkpoint: what does not fit is refused with the whole list, and nothing is loaded") {
  Scratch scratch;
  const std::string path = scratch / "a.safetensors";
  const Small a(7);
  save_checkpoint(path, {"small", "{}"}, {{"", &a.store}});

  Small other(9, DType::f32, 6);
  other.store.root().param("extra", {2}, Init::ones());
  const uint64_t before = other.store.state_hash();
  const std::string wrong = message_of([&] { load_checkpoint(path, "small", other.store); });
  CHECK(contains(wrong, "a.safetensors"));
  CHECK(contains(wrong, "missing (1):\n    extra"));
  CHECK(contains(wrong, "conv.weight must be [6,2,3,3], got [4,2,3,3]"));
  CHECK(contains(wrong, "conv.bias must be [6], got [4]"));
  CHECK(other.store.state_hash() == before);

  ParameterStore less;
  (less.root() / "conv").param("weight", {4, 3, 3, 2}, Init::zeros(), Layout::conv);
  const std::string extra = message_of([&] { load_checkpoint(path, "small", less); });
  CHECK(contains(extra, "unexpected (3):"));
  CHECK(contains(extra, "norm.running_mean"));
  CHECK(!contains(extra, "missing"));
}

TEST_CASE("checkpoint: another model, a foreign file, a newer format, a truncated file") {
  Scratch scratch;
  const std::string path = scratch / "a.safetensors";
  Small a(7);
  save_checkpoint(path, {"small", "{}"}, {{"", &a.store}});
  CHECK(contains(message_of([&] { load_checkpoint(path, "codeformer", a.store); }), "holds a small, expected a codeformer"));

  const std::string foreign = scratch / "foreign.safetensors";
  write_safetensors(foreign, {{"x", Tensor::scalar(1)}});
  CHECK(contains(message_of([&] { load_checkpoint(foreign, "small", a.store); }), "is no checkpoint of this program"));

  const std::string newer = scratch / "newer.safetensors";
  write_safetensors(newer, {{"x", Tensor::scalar(1)}},
                    {{"format", "kintsugi"}, {"format_version", "99"}, {"kind", "small"}, {"arguments", "{}"}});
  CHECK(contains(message_of([&] { load_checkpoint(newer, "small", a.store); }), "format_version must be 1 to 1, got '99'"));

  const uint64_t before = a.store.state_hash();
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 5);
  CHECK(contains(message_of([&] { load_checkpoint(path, "small", a.store); }), "a.safetensors"));
  CHECK(a.store.state_hash() == before);

  CHECK_THROWS_AS(save_checkpoint(path, {"small", "{}"}, {{"", &a.store}}, {}, {{"kind", "other"}}), Error);
}

TEST_CASE("checkpoint: parameters that stay in the file have the values of copied ones, before and after a release") {
  Scratch scratch;
  const std::string path = scratch / "a.safetensors";
  const Small a(7);
  save_checkpoint(path, {"small", "{}"}, {{"", &a.store}});
  Small b(1);
  {
    const SafetensorsFile file(path);
    load_parameters(source_of(file), b.store, {}, {"*"}, Reading::mapped);
  }
  CHECK(b.store.state_hash() == a.store.state_hash());
  const uint64_t before = allocator_stats().live_bytes;
  release({b.conv, b.bias});
  CHECK(allocator_stats().live_bytes < before);  // the convolution's was converted; the bias lies in the file
  CHECK(b.store.state_hash() == a.store.state_hash());

  Tensor changed = b.conv.value();
  changed.fill_(2);
  release({b.conv});
  CHECK(b.conv.value().item(5) == 2);
}

TEST_CASE("checkpoint: a number that is not finite is refused when its parameter is first used") {
  Scratch scratch;
  const std::string path = scratch / "a.safetensors";
  for (const char* name : {"conv.weight", "conv.bias"}) {
    const Small a(7);
    Tensor t = a.store.at(name).value();
    t.data<float>()[t.numel() - 1] = -INFINITY;
    save_checkpoint(path, {"small", "{}"}, {{"", &a.store}});
    const SafetensorsFile file(path);
    Small b(1);
    load_parameters(source_of(file), b.store, {}, {"*"}, Reading::mapped);
    const std::string message = message_of([&] { b.store.at(name).value().raw(); });
    CHECK(contains(message, name));
    CHECK(contains(message, "not finite"));
  }
}
