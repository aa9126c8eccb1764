// VGG's max pooling of a 256x256 image: 2x2 windows.
#include "kernels/pool.h"

#include <vector>

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost forward_cost(const MaxPoolFwd& a) {
  const double in = double(a.n * a.rows.in * a.cols.in * a.c), out = double(a.n * a.rows.out * a.cols.out * a.c);
  return {in, f32_bytes(in + 2 * out)};
}
// Positions, values on both sides.
Cost scatter_cost(const MaxPoolIndexed& a) { return {double(a.n * a.cells * a.c), f32_bytes(double(a.n * (2 * a.cells + a.plane) * a.c))}; }
Cost gather_cost(const MaxPoolIndexed& a) { return {0, f32_bytes(3 * double(a.n * a.cells * a.c))}; }

struct Windows {
  std::vector<int32_t> begin, end;
  explicit Windows(int64_t out) {
    for (int64_t i = 0; i < out; ++i) begin.push_back(int32_t(2 * i)), end.push_back(int32_t(2 * i + 2));
  }
  PoolWindows view() const { return {begin.data(), end.data(), 2 * int64_t(begin.size()), int64_t(begin.size())}; }
};

auto forward(int64_t size, int64_t channels) {
  return [=](Arrays& x) {
    const int64_t half = size / 2, cells = half * half * channels;
    const PoolWindows windows = x.keep(Windows(half)).view();
    return MaxPoolFwd{x.normal(size * size * channels), x.out(cells), x.out<int32_t>(cells), 1, channels, windows, windows, DType::f32};
  };
}

// Winners anywhere in each 2x2 window.
const int32_t* winners(Arrays& x, int64_t size, int64_t channels) {
  const int64_t half = size / 2;
  int32_t* index = x.below<int32_t>(half * half * channels, 4);
  for (int64_t i = 0; i < half; ++i)
    for (int64_t j = 0; j < half; ++j)
      for (int64_t c = 0; c < channels; ++c) {
        int32_t& k = index[(i * half + j) * channels + c];
        k = int32_t((2 * i + k / 2) * size + 2 * j + k % 2);
      }
  return index;
}
auto indexed(int64_t size, int64_t channels, bool scatter) {
  return [=](Arrays& x) {
    const int64_t plane = size * size, cells = plane / 4;
    const int32_t* index = winners(x, size, channels);
    return MaxPoolIndexed{x.normal((scatter ? cells : plane) * channels), index, x.out((scatter ? plane : cells) * channels), 1, plane, cells, channels, DType::f32};
  };
}

const BenchRegistration fwd(max_pool_fwd, forward_cost, {{"64 @256", forward(256, 64)}, {"256 @64", forward(64, 256)}});
const BenchRegistration scatter(max_pool_scatter, scatter_cost, {{"64 @256", indexed(256, 64, true)}});
const BenchRegistration gather(max_pool_gather, gather_cost, {{"64 @256", indexed(256, 64, false)}});

}  // namespace
}  // namespace kintsugi::bench
