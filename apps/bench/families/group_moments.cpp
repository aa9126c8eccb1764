// Moments of maps that no convolution left them with: concatenated and blended ones of CodeFormer at 512x512.
#include "kernels/group_moments.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Two passes over what lies in the cache: a sum, then deviations and their squares.
Cost cost(const GroupMoments& a) {
  const double count = double(a.n * a.positions * a.channels);
  return {4 * count, bytes_of(a.dtype, count)};
}

auto make(int64_t size, int64_t channels) {
  return [=](Arrays& x) {
    const int64_t positions = size * size, groups = 32;
    GroupMoments a{};
    a.dtype = x.dtype();
    a.x = x.normal(positions * channels, 0.5, 2), a.moments = x.out<double>(2 * groups);
    a.n = 1, a.positions = positions, a.channels = channels, a.groups = groups;
    return a;
  };
}

const BenchRegistration moments(group_moments, cost, {{"64 @512", make(512, 64), emulated(make(24, 64))}, {"256 @256", make(256, 256), emulated(make(12, 256))}, {"128 @128", make(128, 128), emulated(make(16, 128))}});

}  // namespace
}  // namespace kintsugi::bench
