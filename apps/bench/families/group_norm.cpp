// GroupNorm(32)+SiLU in front of CodeFormer's convolutions at 512x512, and the instance norm of the ID networks.
#include "kernels/group_norm.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

template <class Args>
double count(const Args& a) { return double(a.n * a.positions * a.channels); }

// Two passes of statistics, then scale, shift and SiLU (four). One read and one write: a row that reads twice pays for it.
Cost forward_cost(const GroupNormFwd& a) { return {8 * count(a), bytes_of(a.dtype, 2 * count(a))}; }
// x and gy are needed for two sums before gx can be written; the floor reads each once.
Cost backward_cost(const GroupNormBwd& a) { return {16 * count(a), bytes_of(a.dtype, 3 * count(a))}; }

auto forward(int64_t size, int64_t channels, int64_t groups, Act act) {
  return [=](Arrays& x) {
    const int64_t positions = size * size;
    return GroupNormFwd{x.normal(positions * channels, 0.5, 2), x.normal(channels, 1, 0.1), x.normal(channels), x.out(positions * channels),
                        x.out<float>(groups), x.out<float>(groups), 1, positions, channels, groups, 1e-6, act, x.dtype()};
  };
}
// Its moments known beforehand, as behind a convolution that left them.
auto known(int64_t size, int64_t channels, int64_t groups) {
  return [=, plain = forward(size, channels, groups, Act::silu)](Arrays& x) {
    GroupNormFwd a = plain(x);
    std::vector<double> moments;
    for (int64_t g = 0; g < groups; ++g) moments.insert(moments.end(), {0.5, 4.0});
    a.moments = x.table(moments);
    return a;
  };
}
auto backward(int64_t size, int64_t channels, int64_t groups, Act act) {
  return [=](Arrays& x) {
    const int64_t positions = size * size, count = positions * channels;
    GroupNormBwd a{};
    a.gy = x.normal(count), a.x = x.normal(count), a.gamma = x.normal(channels, 1, 0.1), a.beta = x.normal(channels);
    a.mean = x.statistics(groups, 0, 0.01), a.rstd = x.statistics(groups, 1, 0.01);
    a.gx = x.out(count), a.ggamma = x.out(channels), a.gbeta = x.out(channels);
    a.n = 1, a.positions = positions, a.channels = channels, a.groups = groups, a.act = act, a.dtype = x.dtype();
    return a;
  };
}

const BenchRegistration fwd(group_norm_fwd, forward_cost,
                            {{"64 @512, SiLU", forward(512, 64, 32, Act::silu), emulated(forward(24, 64, 32, Act::silu))},
                             {"128 @256, SiLU", forward(256, 128, 32, Act::silu), emulated(forward(16, 128, 32, Act::silu))},
                             {"256 @64, SiLU", forward(64, 256, 32, Act::silu), emulated(forward(12, 256, 32, Act::silu))},
                             {"64 @512, SiLU, moments known", known(512, 64, 32), emulated(known(24, 64, 32))},
                             {"128 @256, SiLU, moments known", known(256, 128, 32), emulated(known(16, 128, 32))},
                             {"512 @16", forward(16, 512, 32, Act::none), emulated(forward(8, 512, 32, Act::none))},
                             {"64 @256, instance norm", forward(256, 64, 64, Act::none), emulated(forward(24, 64, 64, Act::none))}});
const BenchRegistration bwd(group_norm_bwd, backward_cost,
                           {{"64 @512, SiLU", backward(512, 64, 32, Act::silu), emulated(backward(24, 64, 32, Act::silu))},
                            {"128 @256, SiLU", backward(256, 128, 32, Act::silu), emulated(backward(16, 128, 32, Act::silu))},
                            {"256 @64, SiLU", backward(64, 256, 32, Act::silu), emulated(backward(12, 256, 32, Act::silu))}});

}  // namespace
}  // namespace kintsugi::bench
