#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/base/dtype.h"
#include "kernels/base/parallel.h"
#include "kernels/base/philox.h"
#include "kernels/table.h"

using namespace kintsugi;

// The three published known-answer vectors of Philox4x32-10 (Random123, kat_vectors).
TEST_CASE("philox: published vectors") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Philox4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const uint32_t f = 0xffffffff;
  CHECK(philox({f, f, f, f}, {f, f}) == Philox4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Philox4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: moments, and independence of purpose") {
  const Philox a(1, "a"), b(1, "b");
  double mean = 0, square = 0, cross = 0, u = 0;
  const int n = 20000;
  for (int i = 0; i < n; ++i) {
    mean += a.normal_at(i);
    square += double(a.normal_at(i)) * a.normal_at(i);
    cross += double(a.normal_at(i)) * b.normal_at(i);
    u += a.uniform_at(i);
  }
  const double sigma = 1 / std::sqrt(double(n));  // of each average; five of them is a wide berth for a fixed seed
  CHECK(std::fabs(mean / n) < 5 * sigma);
  CHECK(std::fabs(square / n - 1) < 5 * sigma * std::sqrt(2.0));
  CHECK(std::fabs(cross / n) < 5 * sigma);
  CHECK(std::fabs(u / n - 0.5) < 5 * sigma / std::sqrt(12.0));
}

TEST_CASE("parallel_for: every element once, chunks do not depend on threads, exceptions arrive") {
  const int before = threads();
  std::vector<std::vector<int64_t>> borders;
  for (int t : {1, 2, 5}) {
    set_threads(t);
    std::vector<std::atomic<int>> seen(1003);
    std::vector<int64_t> ends(11);
    parallel_for(1003, 100, [&](int64_t b, int64_t e) {
      ends[b / 100] = e;
      for (int64_t i = b; i < e; ++i) ++seen[i];
    });
    for (auto& s : seen) CHECK(s == 1);
    borders.push_back(ends);
    CHECK_THROWS_AS(parallel_for(50, 1, [](int64_t b, int64_t) { if (b == 17) fail("here"); }), Error);
    std::atomic<int> nested{0};
    parallel_for(8, 1, [&](int64_t, int64_t) { parallel_for(5, 1, [&](int64_t, int64_t) { ++nested; }); });
    CHECK(nested == 40);
  }
  CHECK(borders[0] == borders[1]);
  CHECK(borders[0] == borders[2]);
  set_threads(before);
}

TEST_CASE("bf16 rounds to nearest even and keeps NaN") {
  CHECK(float(bf16(1.0f)) == 1.0f);
  CHECK(float(bf16(1.00390625f)) == 1.0f);          // halfway, even below
  CHECK(float(bf16(1.01171875f)) == 1.015625f);     // halfway, even above
  CHECK(std::isnan(float(bf16(NAN))));
  CHECK(std::isinf(float(bf16(3.4e38f))));
}

namespace {
struct Toy {
  int n;
  int* ran;
};
const char* only_even(const Toy& a) { return a.n % 2 ? "needs an even n" : nullptr; }
void run_fast(const Context&, const Toy& a) { *a.ran = 1; }
void run_ref(const Context&, const Toy& a) { *a.ran = 2; }
const Row<Toy> toy_rows[] = {{"fast", DeviceKind::cpu, only_even, run_fast, "even n"},
                             {"ref", DeviceKind::cpu, takes_all<Toy>, run_ref, "any n"}};
}  // namespace

TEST_CASE("table: the first row that fits, or the one named") {
  const Family<Toy> toy("toy_for_test", "ran = row", toy_rows);
  int ran = 0;
  toy({}, {2, &ran});
  CHECK(ran == 1);
  toy({}, {3, &ran});
  CHECK(ran == 2);
  {
    KernelChoice guard("toy_*", "ref");
    toy({}, {2, &ran});
    CHECK(ran == 2);
    KernelChoice inner("toy_for_test", "fast");
    toy({}, {2, &ran});
    CHECK(ran == 1);
    CHECK_THROWS_WITH_AS(toy({}, {3, &ran}), doctest::Contains("needs an even n"), Error);
  }
  toy({}, {2, &ran});
  CHECK(ran == 1);
  CHECK_THROWS_WITH_AS(KernelChoice("toy_for_test", "cublas"), doctest::Contains("no such row"), UsageError);
  CHECK_THROWS_WITH_AS(KernelChoice("no_such_family", "ref"), doctest::Contains("no family has such a name"), UsageError);
}
