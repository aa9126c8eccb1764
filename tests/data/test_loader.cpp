#include "data/loader.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <set>

#include "kernels/base/error.h"
#include "data/bytes.h"
#include "data/resize.h"
#include "tests/data/golden_image.h"

using namespace kintsugi;

namespace {

/// Sample i is a 4x4 picture whose values tell index and epoch. Some samples are slow, so that threads finish out of order.
struct Numbers : Dataset {
  int64_t count;
  int64_t broken = -1;
  mutable std::atomic<int> calls{0};
  explicit Numbers(int64_t n, int64_t bad = -1) : count(n), broken(bad) {}
  int64_t size() const override { return count; }
  Sample get(uint64_t epoch, int64_t index) const override {
    ++calls;
    KIN_CHECK(index != broken, "sample ", index, " is damaged");
    if (index % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
    return {Image(4, 4, 3, float(index) / 255), Image(4, 4, 3, float(epoch) / 255), text(index)};
  }
};

LoaderOptions with(int batch, int threads, uint64_t seed = 1) {
  LoaderOptions o;
  o.batch = batch;
  o.threads = threads;
  o.seed = seed;
  return o;
}

bool same(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && !std::memcmp(a.raw(), b.raw(), a.bytes()); }

std::vector<std::string> names_of(Loader& loader, int batches) {
  std::vector<std::string> all;
  for (int i = 0; i < batches; ++i)
    for (auto& n : loader.next().names) all.push_back(n);
  return all;
}

}  // namespace

TEST_CASE("loader: a batch says which samples it holds and which of them are mirrored") {
  const auto ramps = [&](int64_t index) {  // with a left and a right
    Image image(4, 4, 3, float(index) / 255);
    image.pixels[0] = 1;
    return image;
  };
  struct Ramps : Dataset {
    std::function<Image(int64_t)> draw;
    int64_t size() const override { return 10; }
    Sample get(uint64_t, int64_t index) const override { return {draw(index), {}, text(index)}; }
  };
  const auto base = std::make_shared<Ramps>();
  base->draw = ramps;
  Loader loader(std::make_shared<FlipDataset>(base, 3), with(4, 2));
  int mirrored = 0;
  for (int i = 0; i < 10; ++i) {
    const Batch b = loader.next();
    REQUIRE(b.samples.size() == 4);
    REQUIRE(b.mirrored.size() == 4);
    for (int64_t n = 0; n < 4; ++n) {
      const size_t k = size_t(n);
      CHECK(b.names[k] == text(b.samples[k].second));
      const Image seen = to_image(b.gt, n), expected = b.mirrored[k] ? flip_horizontal(ramps(b.samples[k].second)) : ramps(b.samples[k].second);
      CHECK(to_bytes(seen).pixels == to_bytes(expected).pixels);
      mirrored += b.mirrored[k];
    }
  }
  CHECK(mirrored > 0);
  CHECK(mirrored < 40);
}

TEST_CASE("loader: the same bytes for every number of threads") {
  const auto data = std::make_shared<Numbers>(10);
  Loader none(data, with(3, 0)), one(data, with(3, 1)), four(data, with(3, 4));
  for (int i = 0; i < 12; ++i) {
    const Batch a = none.next(), b = one.next(), c = four.next();
    CHECK(a.number == i);
    CHECK(c.number == i);
    CHECK(a.names == b.names);
    CHECK(a.names == c.names);
    CHECK(same(a.gt, b.gt));
    CHECK(same(a.gt, c.gt));
    CHECK(same(a.lq, c.lq));
    CHECK(a.gt.shape() == Shape{3, 4, 4, 3});
  }
}

TEST_CASE("loader: every epoch is a permutation of its own, drawn from the seed") {
  const auto data = std::make_shared<Numbers>(12);
  Loader loader(data, with(4, 2)), again(data, with(4, 2)), other(data, with(4, 2, 2));
  const auto first = names_of(loader, 3), second = names_of(loader, 3);
  CHECK(std::set<std::string>(first.begin(), first.end()).size() == 12);
  CHECK(std::set<std::string>(second.begin(), second.end()).size() == 12);
  CHECK(first != second);
  CHECK(names_of(again, 3) == first);
  CHECK(names_of(other, 3) != first);
  LoaderOptions plain = with(5, 2);
  plain.shuffle = false;
  Loader ordered(data, plain);
  CHECK(names_of(ordered, 1) == std::vector<std::string>{"0", "1", "2", "3", "4"});
}

TEST_CASE("loader: a restart at batch n goes on as if nothing had happened; small datasets wrap around") {
  const auto data = std::make_shared<Numbers>(3);
  Loader whole(data, with(5, 2));
  for (int i = 0; i < 4; ++i) whole.next();
  LoaderOptions late = with(5, 2);
  late.first_batch = 4;
  Loader resumed(data, late);
  for (int i = 0; i < 4; ++i) {
    const Batch a = whole.next(), b = resumed.next();
    CHECK(a.number == b.number);
    CHECK(same(a.gt, b.gt));
    CHECK(same(a.lq, b.lq));
  }
  CHECK(whole.cursor() == Cursor{13, 1});  // behind 8 * 5 samples of 3 an epoch
  CHECK(resumed.cursor() == whole.cursor());
}

TEST_CASE("loader: an error arrives in its turn and the stream goes on") {
  const auto data = std::make_shared<Numbers>(6, 4);
  LoaderOptions o = with(1, 3);
  o.shuffle = false;
  Loader loader(data, o);
  CHECK(names_of(loader, 4).back() == "3");
  CHECK_THROWS_WITH_AS(loader.next(), "sample 4 is damaged", Error);
  CHECK(loader.next().names[0] == "5");
}

TEST_CASE("loader: the queue is bounded, and closing with work in flight is clean") {
  const auto data = std::make_shared<Numbers>(1000);
  LoaderOptions o = with(1, 4);
  o.ahead = 3;
  {
    Loader loader(data, o);
    loader.next();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(data->calls <= 4);
  }
  { Loader unused(data, o); }
  CHECK_THROWS_WITH_AS(Loader(data, with(0, 1)), doctest::Contains("batch must be positive, got 0"), Error);
  CHECK_THROWS_WITH_AS(Loader(std::make_shared<Numbers>(0), with(1, 1)), doctest::Contains("at least one sample, got 0"), Error);
}

TEST_CASE("batch: pictures to tensors and back") {
  Image image(2, 3);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = float(i) / 17;
  const Tensor t = to_tensor(image);
  CHECK(t.shape() == Shape{1, 2, 3, 3});
  CHECK(t.item(0) == -1);
  CHECK(t.item(17) == 1);
  CHECK(distance(to_image(t), image) <= 1e-6);
  CHECK(distance(to_image(t.to(DType::f64).reshape({2, 3, 3})), image) <= 1e-6);
  CHECK(to_image(Tensor::of<float>({1, 1, 3}, {-3, 0, 5})).pixels == std::vector<float>{0, 0.5f, 1});
  const Image pair[] = {Image(2, 2), Image(2, 3)};
  CHECK_THROWS_WITH_AS(to_tensor(pair), doctest::Contains("2x2x3 and 2x3x3"), Error);
  CHECK_THROWS_WITH_AS(to_image(t, 1), doctest::Contains("[0,1), got 1"), Error);
}

TEST_CASE("batch: normalisation and output rounding equal the reference") {
  const auto golden = open_golden("metrics.safetensors");
  if (!golden) return;
  const Tensor bytes = golden->read("u8_all"), normalised = golden->read("u8_normalised");
  Image image(1, 256, 1);
  for (int i = 0; i < 256; ++i) image.pixels[i] = float(bytes.item(i)) / 255.0f;
  const Tensor t = to_tensor(image);
  for (int i = 0; i < 256; ++i) CHECK(t.item(i) == normalised.item(i));
  const Tensor in = golden->read("tensor2img_in"), out = golden->read("tensor2img_out");
  const ByteImage rounded = to_bytes(to_image(in.reshape({1, in.numel(), 1})));
  for (int64_t i = 0; i < out.numel(); ++i) CHECK(int(rounded.pixels[i]) == int(out.item(i)));
}
