// The index arithmetic of the GPU's matrix products: divisors, tiles in shared memory and their bank conflicts, patches of pixels.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "kernels/base/fast_divisor.h"
#include "kernels/gpu/conv2d_patch.h"
#include "kernels/gpu/gemm_layout.h"

using namespace kintsugi;

namespace {

// How many times shared memory is read for one access of a warp, whose lane l touches `bytes` bytes at address(l): different words
// of one bank follow each other, equal words come together. Accesses of 16 bytes are served eight lanes at a time.
template <class F>
int passes(int bytes, F&& address) {
  const int lanes = bytes == 16 ? 8 : 32;
  int worst = 0;
  for (int first = 0; first < 32; first += lanes) {
    std::array<std::set<int>, 32> banks;
    for (int l = first; l < first + lanes; ++l)
      for (int word = address(l) / 4; word < (address(l) + bytes) / 4; ++word) banks[size_t(word % 32)].insert(word);
    for (const auto& b : banks) worst = std::max(worst, int(b.size()));
  }
  return worst;
}

template <class T, int kRows, int kDepth, bool kInner>
void check_layout() {
  using Layout = TileLayout<T, kRows, kDepth, kInner>;
  std::vector<int> seen(Layout::kElements);
  for (int row = 0; row < kRows; ++row)
    for (int depth = 0; depth < kDepth; ++depth) {
      const int at = Layout::at(row, depth), within = kInner ? depth : row;
      REQUIRE(at >= 0);
      REQUIRE(at < Layout::kElements);
      ++seen[size_t(at)];
      if (within % Layout::kChunk != 0) CHECK(at == Layout::at(kInner ? row : row - 1, kInner ? depth - 1 : depth) + 1);  // chunks stay whole
    }
  CHECK(std::count(seen.begin(), seen.end(), 1) == Layout::kElements);
  // The threads of a warp put neighbouring chunks.
  CHECK(passes(16, [](int l) {
          const int line = l / Layout::kChunksPerLine, chunk = l % Layout::kChunksPerLine;
          return Layout::chunk_at(line, chunk) * 16;
        }) == 1);
}

}  // namespace

TEST_CASE("fast divisor: equals the division") {
  const int most = 0x7fffffff;
  for (int64_t d : {1, 2, 3, 5, 7, 9, 16, 48, 127, 128, 1000, 65535, 65536, 1 << 30, most - 1, most}) {
    const FastDivisor f(d);
    for (int64_t x : {int64_t(0), int64_t(1), d - 1, d, d + 1, 2 * d - 1, 2 * d, int64_t(most) / d * d - 1, int64_t(most) / d * d, int64_t(most) - 1, int64_t(most)}) {
      if (x < 0 || x > most) continue;
      CHECK_MESSAGE(f.quotient(int(x)) == x / d, x, " / ", d);
      CHECK(f.remainder(int(x), f.quotient(int(x))) == x % d);
    }
  }
  for (int d = 1; d < 300; ++d)
    for (int x = 0; x < 2000; ++x) REQUIRE(FastDivisor(d).quotient(x) == x / d);
}

TEST_CASE("tiles in shared memory: every element has its place, and no access meets a bank twice") {
  check_layout<float, 128, 16, true>();
  check_layout<float, 128, 16, false>();
  check_layout<float, 64, 16, true>();
  check_layout<float, 64, 16, false>();
  check_layout<bf16, 128, 32, true>();
  check_layout<bf16, 128, 32, false>();
  check_layout<bf16, 64, 32, true>();
  check_layout<bf16, 64, 32, false>();

  SUBCASE("register tiles: 16 x 8 threads, four per warp down and eight across") {
    using Down = TileLayout<float, 128, 16, true>;
    using Along = TileLayout<float, 128, 16, false>;
    using DownB = TileLayout<float, 64, 16, true>;
    using AlongB = TileLayout<float, 64, 16, false>;
    for (int warp = 0; warp < 4; ++warp)
      for (int i = 0; i < 8; ++i)
        for (int k = 0; k < 16; ++k) {
          const auto row = [&](int l) { return (warp * 32 + l) / 8; };
          const auto column = [&](int l) { return l % 8; };
          if (k % 4 == 0) {
            CHECK(passes(16, [&](int l) { return Down::at(owned_row<16, true>(row(l), i), k) * 4; }) == 1);
            CHECK(passes(16, [&](int l) { return DownB::at(owned_row<8, true>(column(l), i), k) * 4; }) == 1);
          }
          if (i % 4 == 0) {
            CHECK(passes(16, [&](int l) { return Along::at(owned_row<16, false>(row(l), i), k) * 4; }) == 1);
            CHECK(passes(16, [&](int l) { return AlongB::at(owned_row<8, false>(column(l), i), k) * 4; }) == 1);
          }
        }
    std::set<int> rows;  // every row has one owner
    for (int t = 0; t < 16; ++t)
      for (int i = 0; i < 8; ++i) rows.insert(owned_row<16, true>(t, i)), rows.insert(1000 + owned_row<16, false>(t, i));
    CHECK(rows.size() == 256);
    CHECK(*rows.rbegin() == 1127);
  }
  SUBCASE("ldmatrix: eight lines of one chunk") {
    for (int first = 0; first < 128; first += 8)
      for (int chunk = 0; chunk < 4; ++chunk)
        CHECK(passes(16, [&](int l) { return TileLayout<bf16, 128, 32, true>::at(first + l % 8, chunk * 8) * 2; }) == 1);
    for (int first = 0; first < 32; first += 8)
      for (int chunk = 0; chunk < 16; ++chunk)
        CHECK(passes(16, [&](int l) { return TileLayout<bf16, 128, 32, false>::at(chunk * 8, first + l % 8) * 2; }) == 1);
  }
  SUBCASE("tf32 fragments: row l / 4, depth l % 4") {
    for (int row = 0; row < 64; row += 8)
      for (int depth = 0; depth < 16; depth += 4) {
        CHECK(passes(4, [&](int l) { return TileLayout<float, 64, 16, true>::at(row + l / 4, depth + l % 4) * 4; }) == 1);
        CHECK(passes(4, [&](int l) { return TileLayout<float, 64, 16, false>::at(row + l / 4, depth + l % 4) * 4; }) == 1);
      }
  }
  SUBCASE("the counter counts") {
    CHECK(passes(4, [](int l) { return l * 128; }) == 32);
    CHECK(passes(4, [](int) { return 12; }) == 1);
    CHECK(passes(16, [](int l) { return l * 64; }) == 4);  // rows of 64 bytes without a swizzle
  }
}

TEST_CASE("patches cover every pixel once") {
  for (const auto& [n, h, w] : std::vector<std::array<int, 3>>{{1, 1, 1}, {2, 7, 6}, {3, 16, 16}, {1, 5, 230}, {5, 3, 2}, {1, 64, 40}, {200, 1, 1}})
    for (int pixels : {64, 128}) {
      const PatchGrid grid(n, h, w, pixels);
      CHECK((1 << (grid.log_w + grid.log_h + grid.log_n)) == pixels);
      CHECK(grid.log_w <= 4);
      std::vector<int> seen(size_t(n * h * w));
      for (int i = 0; i < grid.patches(); ++i)
        for (int j = 0; j < pixels; ++j) {
          const auto at = grid.pixel(grid.patch(i), j);
          if (at.n < n && at.y < h && at.x < w) ++seen[size_t((at.n * h + at.y) * w + at.x)];
        }
      CHECK(std::count(seen.begin(), seen.end(), 1) == n * h * w);
    }
}
