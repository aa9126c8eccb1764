// CodeFormer's fusion blocks at 512x512: the first convolution of a branch with its leaky_relu, the last one with the transform it is the shift of.
#include "kernels/conv2d_epilogue.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

double outputs(const ConvShape& s) { return double(s.n * s.out_h * s.out_w * s.o); }

// The convolution in its direct form and two or four more per output; sft reads base and scale.
Cost cost(const Conv2dEpilogueFwd& a) {
  const ConvShape& s = a.conv.shape;
  const bool sft = a.kind == ConvEpilogue::sft;
  const double x = double(s.n * s.h * s.w * s.c), w = double(s.o * s.kh * s.kw * s.c);
  return {outputs(s) * (2.0 * double(s.kh * s.kw * s.c) + (sft ? 4 : 2)), bytes_of(a.conv.dtype, x + w + outputs(s) * (sft ? 3 : 1))};
}

auto make(ConvEpilogue kind, int64_t channels, int64_t size) {
  return [=](Arrays& a) {
    ConvShape s;
    s.n = 1, s.h = s.w = s.out_h = s.out_w = size, s.c = s.o = channels;
    s.kh = s.kw = 3, s.top = s.left = 1;
    const int64_t count = size * size * channels;
    Conv2dEpilogueFwd p;
    p.conv = {s, a.normal(count), a.normal(9 * channels * channels, 0, 0.05), a.normal(channels), a.out(count), a.dtype(), nullptr, Precision::fast};
    p.kind = kind;
    p.slope = 0.2;
    p.strength = 0.5;
    if (kind == ConvEpilogue::sft) p.base = a.normal(count), p.scale = a.normal(count);
    return p;
  };
}

const auto leaky = ConvEpilogue::leaky_relu, sft = ConvEpilogue::sft;
const BenchRegistration epilogue(conv2d_epilogue_fwd, cost,
                                 {{"64 @512, leaky_relu", make(leaky, 64, 512), make(leaky, 64, 32), 2e-5, make(leaky, 64, 8)}, {"64 @512, sft", make(sft, 64, 512), make(sft, 64, 32), 2e-5, make(sft, 64, 8)},
                                  {"256 @64, leaky_relu", make(leaky, 256, 64), make(leaky, 256, 16), 2e-5, make(leaky, 256, 8)}, {"256 @64, sft", make(sft, 256, 64), make(sft, 256, 16), 2e-5, make(sft, 256, 8)}});

}  // namespace
}  // namespace kintsugi::bench
