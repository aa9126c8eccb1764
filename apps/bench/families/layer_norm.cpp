// LayerNorm of CodeFormer's tokens, one image and a batch of 16.
#include "kernels/layer_norm.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost forward_cost(const LayerNormFwd& a) { return {8.0 * double(a.rows * a.channels), bytes_of(a.dtype, 2.0 * double(a.rows * a.channels))}; }
Cost backward_cost(const LayerNormBwd& a) { return {12.0 * double(a.rows * a.channels), bytes_of(a.dtype, 3.0 * double(a.rows * a.channels))}; }

auto forward(int64_t rows, int64_t channels) {
  return [=](Arrays& x) {
    return LayerNormFwd{x.normal(rows * channels, 0.5, 2), x.normal(channels, 1, 0.1), x.normal(channels), x.out(rows * channels), x.out<float>(rows), x.out<float>(rows),
                        rows, channels, 1e-5, x.dtype()};
  };
}
auto backward(int64_t rows, int64_t channels) {
  return [=](Arrays& x) {
    return LayerNormBwd{x.normal(rows * channels), x.normal(rows * channels), x.normal(channels, 1, 0.1), x.statistics(rows, 0, 0.05), x.statistics(rows, 1, 0.05),
                        x.out(rows * channels), x.out(channels), x.out(channels), rows, channels, x.dtype()};
  };
}

const BenchRegistration fwd(layer_norm_fwd, forward_cost,
                           {{"256x512", forward(256, 512), emulated(forward(64, 512))},
                            {"4096x512", forward(4096, 512), emulated(forward(64, 512))}});
const BenchRegistration bwd(layer_norm_bwd, backward_cost,
                           {{"256x512", backward(256, 512), emulated(backward(64, 512))},
                            {"4096x512", backward(4096, 512), emulated(backward(64, 512))}});

}  // namespace
}  // namespace kintsugi::bench
