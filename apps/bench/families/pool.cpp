// VGG's max pooling of a 256x256 image: 2x2 windows.
#include "kernels/pool.h"

#include <vector>

#include "apps/bench/case.h"
#include "kernels/base/philox.h"

namespace kintsugi::bench {
namespace {

Cost forward_cost(const MaxPoolFwd& a) {
  const double in = double(a.n * a.rows.in * a.cols.in * a.c), out = double(a.n * a.rows.out * a.cols.out * a.c);
  return {in, bytes_of(a.dtype, in + 2 * out)};
}
// Positions, values on both sides.
Cost scatter_cost(const MaxPoolIndexed& a) { return {double(a.n * a.cells * a.c), bytes_of(a.dtype, double(a.n * (2 * a.cells + a.plane) * a.c))}; }
Cost gather_cost(const MaxPoolIndexed& a) { return {0, bytes_of(a.dtype, 3 * double(a.n * a.cells * a.c))}; }

PoolWindows windows_of_two(Arrays& x, int64_t out) {
  std::vector<int32_t> begin, end;
  for (int64_t i = 0; i < out; ++i) begin.push_back(int32_t(2 * i)), end.push_back(int32_t(2 * i + 2));
  return {x.table(begin), x.table(end), 2 * out, out};
}

auto forward(int64_t size, int64_t channels) {
  return [=](Arrays& x) {
    const int64_t half = size / 2, cells = half * half * channels;
    const PoolWindows windows = windows_of_two(x, half);
    return MaxPoolFwd{x.normal(size * size * channels), x.out(cells), x.out<int32_t>(cells), 1, channels, windows, windows, x.dtype()};
  };
}

// Winners anywhere in each 2x2 window.
const int32_t* winners(Arrays& x, int64_t size, int64_t channels) {
  const int64_t half = size / 2;
  std::vector<int32_t> index(size_t(half * half * channels));
  const Philox stream(4, "winners");
  for (size_t i = 0; i < index.size(); ++i) index[i] = int32_t(4 * stream.uniform_at(i));
  for (int64_t i = 0; i < half; ++i)
    for (int64_t j = 0; j < half; ++j)
      for (int64_t c = 0; c < channels; ++c) {
        int32_t& k = index[size_t((i * half + j) * channels + c)];
        k = int32_t((2 * i + k / 2) * size + 2 * j + k % 2);
      }
  return x.table(index);
}
auto indexed(int64_t size, int64_t channels, bool scatter) {
  return [=](Arrays& x) {
    const int64_t plane = size * size, cells = plane / 4;
    const int32_t* index = winners(x, size, channels);
    return MaxPoolIndexed{x.normal((scatter ? cells : plane) * channels), index, x.out((scatter ? plane : cells) * channels), 1, plane, cells, channels, x.dtype()};
  };
}

const BenchRegistration fwd(max_pool_fwd, forward_cost,
                           {{"64 @256", forward(256, 64), emulated(forward(32, 64))},
                            {"256 @64", forward(64, 256), emulated(forward(16, 256))}});
const BenchRegistration scatter(max_pool_scatter, scatter_cost, {{"64 @256", indexed(256, 64, true), emulated(indexed(16, 64, true))}});
const BenchRegistration gather(max_pool_gather, gather_cost, {{"64 @256", indexed(256, 64, false), emulated(indexed(32, 64, false))}});

}  // namespace
}  // namespace kintsugi::bench
