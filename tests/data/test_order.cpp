// Order and sharding: what a run sees depends on (seed, epoch, index) and on nothing else.
#include "data/order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/degrade.h"
#include "data/loader.h"
#include "kernels/base/error.h"

using namespace kintsugi;

namespace {

std::vector<int64_t> whole(uint64_t seed, uint64_t epoch, int64_t size) {
  const EpochOrder order(seed, epoch, size);
  std::vector<int64_t> all;
  for (int64_t i = 0; i < size; ++i) all.push_back(order.at(i));
  return all;
}

/// A sample's name is "epoch/index".
struct Named : Dataset {
  int64_t count;
  explicit Named(int64_t n) : count(n) {}
  int64_t size() const override { return count; }
  Sample get(uint64_t epoch, int64_t index) const override { return {Image(1, 1), {}, text(epoch, '/', index)}; }
};

std::vector<std::string> names(const LoaderOptions& options, int64_t size, int batches) {
  Loader loader(std::make_shared<Named>(size), options);
  std::vector<std::string> all;
  for (int i = 0; i < batches; ++i)
    for (auto& n : loader.next().names) all.push_back(n);
  return all;
}

/// The stream from a cursor on, as the documentation defines it.
std::vector<std::string> expected(uint64_t seed, int64_t size, Cursor from, int64_t count) {
  std::vector<std::string> all;
  for (; int64_t(all.size()) < count; ++from.epoch, from.index = 0)
    for (const std::vector<int64_t> order = whole(seed, from.epoch, size); from.index < size && int64_t(all.size()) < count; ++from.index)
      all.push_back(text(from.epoch, '/', order[size_t(from.index)]));
  return all;
}

}  // namespace

TEST_CASE("order: a permutation for every size, seed and epoch") {
  for (int64_t size : {1, 2, 3, 4, 5, 16, 17, 255, 256, 1000})
    for (uint64_t epoch : {0, 1, 77}) {
      std::vector<int64_t> order = whole(5, epoch, size);
      if (size > 100) CHECK(order != whole(5, epoch + 1, size));
      if (size > 100) CHECK(order != whole(6, epoch, size));
      std::sort(order.begin(), order.end());
      for (int64_t i = 0; i < size; ++i) CHECK(order[size_t(i)] == i);
    }
  const EpochOrder large(1, 2, int64_t(4'000'000'000));  // nothing is kept per sample
  CHECK(large.at(3'999'999'999) != large.at(0));
  CHECK_THROWS_WITH_AS(EpochOrder(1, 0, 0), doctest::Contains("size must be in [1,2^32), got 0"), Error);
  CHECK_THROWS_WITH_AS(large.at(-1), doctest::Contains("got -1"), Error);
}

TEST_CASE("order: every permutation of four is as likely as any other, and neighbours are strangers") {
  std::map<std::vector<int64_t>, int> seen;
  constexpr int draws = 4800;
  for (int i = 0; i < draws; ++i) ++seen[whole(3, uint64_t(i), 4)];
  CHECK(seen.size() == 24);
  double chi2 = 0;
  for (const auto& [order, n] : seen) chi2 += (n - draws / 24.0) * (n - draws / 24.0) / (draws / 24.0);
  CHECK(chi2 < 23 + 5 * std::sqrt(2 * 23.0));  // five standard deviations of chi-square with 23 degrees of freedom
  int neighbours = 0, fixed = 0;  // in a random permutation each of the two is a Poisson number of mean 1
  for (uint64_t epoch = 0; epoch < 100; ++epoch) {
    const auto order = whole(4, epoch, 200);
    for (size_t i = 0; i < order.size(); ++i) {
      fixed += order[i] == int64_t(i);
      neighbours += i > 0 && order[i] == order[i - 1] + 1;
    }
  }
  CHECK(std::abs(neighbours - 100) < 50);
  CHECK(std::abs(fixed - 100) < 50);
}

TEST_CASE("loader: any number of workers and ranks, from any starting point, gives the one stream, in its order and without repeats") {
  Philox random(8, "test");
  for (int trial = 0; trial < 40; ++trial) {
    const int64_t size = 1 + random.below(40);
    LoaderOptions o;
    o.seed = trial;
    o.batch = 1 + int(random.below(7));
    o.threads = int(random.below(4));
    o.ahead = 1 + int(random.below(5));
    o.first_batch = random.below(9);
    o.start = {random.below(5), random.below(uint32_t(size))};
    o.world = 1 + int(random.below(4));
    CAPTURE(trial);
    const int rounds = 5;
    std::vector<std::vector<std::string>> of_rank;
    for (o.rank = 0; o.rank < o.world; ++o.rank) of_rank.push_back(names(o, size, rounds));
    std::vector<std::string> dealt;
    for (int n = 0; n < rounds; ++n)
      for (const auto& rank : of_rank) dealt.insert(dealt.end(), rank.begin() + n * o.batch, rank.begin() + (n + 1) * o.batch);
    // One rank with as many batches per step sees these.
    const auto stream = expected(o.seed, size, o.start, (o.first_batch + rounds) * o.world * o.batch);
    CHECK(dealt == std::vector<std::string>(stream.begin() + o.first_batch * o.world * o.batch, stream.end()));
    std::map<std::string, int> times;
    for (const auto& name : dealt) CHECK(++times[name] == 1);  // names tell the epoch
  }
}

TEST_CASE("loader: a cursor goes on with another batch size and another number of ranks") {
  LoaderOptions o;
  o.seed = 3;
  o.batch = 4;
  o.world = 3;
  o.rank = 1;
  Loader first(std::make_shared<Named>(10), o);
  for (int i = 0; i < 4; ++i) first.next();
  CHECK(first.cursor() == Cursor{4, 8});  // 4 steps of 3 * 4 samples
  LoaderOptions later;
  later.seed = 3;
  later.batch = 5;
  later.start = first.cursor();
  CHECK(names(later, 10, 3) == expected(3, 10, {4, 8}, 15));
  later.start = {0, 10};
  CHECK_THROWS_WITH_AS(names(later, 10, 1), doctest::Contains("start.index must be in [0,10), got 10"), Error);
  later.start = {};
  later.rank = later.world = 2;
  CHECK_THROWS_WITH_AS(names(later, 10, 1), doctest::Contains("rank must be in [0,world), got 2 of 2"), Error);
}

TEST_CASE("loader: the dataset may change from batch to batch, and waiting is counted") {
  struct Slow : Named {
    using Named::Named;
    Sample get(uint64_t epoch, int64_t index) const override {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      Sample s = Named::get(epoch, index);
      s.name += " slow";
      return s;
    }
  };
  const auto fast = std::make_shared<Named>(6), small = std::make_shared<Named>(5);
  const auto slow = std::make_shared<Slow>(6);
  for (int threads : {0, 2}) {
    LoaderOptions o;
    o.batch = 2;
    o.threads = threads;
    o.choose = [&](int64_t n) -> const Dataset& { return n == 3 ? *small : n % 2 ? *slow : *fast; };
    Loader loader(fast, o);
    std::vector<std::string> all;
    for (int n = 0; n < 3; ++n)
      for (auto& name : loader.next().names) all.push_back(name);
    auto plain = expected(0, 6, {}, 6);
    plain[2] += " slow", plain[3] += " slow";
    CHECK(all == plain);
    CHECK(loader.times().preparing >= 0.004);                        // two samples of batch 1
    if (threads == 0) CHECK(loader.times().waiting >= 0.004);        // nobody prepared them beforehand
    CHECK_THROWS_WITH_AS(loader.next(), doctest::Contains("chosen for batch 3 must hold 6 samples, got 5"), Error);
  }
}

TEST_CASE("joint degradation: two draws of their own, one decision on colours, each set alone the same as ever") {
  DegradeOptions small = DegradeOptions::stage3_small(), large = DegradeOptions::stage3_large();
  for (DegradeOptions* o : {&small, &large}) {
    o->colour_shift_probability = 0.3;
    o->grey_probability = 0.2;
    o->colour_jitter_probability = 0.4;
  }
  int shifts = 0, greys = 0, jitters = 0, same_amounts = 0;
  constexpr int draws = 2000;
  for (uint64_t i = 0; i < draws; ++i) {
    const Degradation a = draw_degradation(small, DegradeSet::small, 7, 1, i), b = draw_degradation(large, DegradeSet::large, 7, 1, i);
    Philox random(7, "degrade", (uint64_t(1) << 32) ^ i);
    CHECK(draw_degradation(small, random).sigma_x == a.sigma_x);
    CHECK(Philox(7, degrade_noise(DegradeSet::small, 1, i)).block(3) == Philox(7, "degrade/noise", (uint64_t(1) << 32) ^ i).block(3));
    REQUIRE((a.colours.shift == b.colours.shift && a.colours.grey == b.colours.grey && a.colours.jitter == b.colours.jitter));
    REQUIRE((a.downsample <= 12 && b.downsample >= 4 && a.jpeg_quality >= 60 && b.jpeg_quality <= 80));
    shifts += a.colours.shift, greys += a.colours.grey, jitters += a.colours.jitter;
    same_amounts += a.colour_shift[0] == b.colour_shift[0];
    CHECK(degrade_noise(DegradeSet::small, 1, i) != degrade_noise(DegradeSet::large, 1, i));
  }
  CHECK(same_amounts == 0);
  const auto near = [&](int n, double p) { return std::abs(n - draws * p) < 5 * std::sqrt(draws * p * (1 - p)); };
  CHECK(near(shifts, 0.3));
  CHECK(near(greys, 0.2));
  CHECK(near(jitters, 0.4));
}
