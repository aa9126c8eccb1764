// Moments of maps that no convolution left them with: concatenated and blended ones of CodeFormer at 512x512.
#include "kernels/group_moments.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Two passes over what lies in the cache: a sum, then deviations and their squares.
Cost cost(const GroupMoments& a) {
  const double count = double(a.n * a.positions * a.channels);
  return {4 * count, f32_bytes(count)};
}

auto make(int64_t size, int64_t channels) {
  return [=](Arrays& x) {
    const int64_t positions = size * size, groups = 32;
    GroupMoments a{};
    a.x = x.normal(positions * channels, 0.5, 2), a.moments = x.out<double>(2 * groups);
    a.n = 1, a.positions = positions, a.channels = channels, a.groups = groups;
    return a;
  };
}

const BenchRegistration moments(group_moments, cost, {{"64 @512", make(512, 64)}, {"256 @256", make(256, 256)}, {"128 @128", make(128, 128)}});

}  // namespace
}  // namespace kintsugi::bench
