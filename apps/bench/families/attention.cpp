// CodeFormer's transformer layer (256 tokens, 8 heads of 64), the VQGAN's attention block (one head of 512), and a batch of 16.
#include "kernels/attention.h"

#include <cmath>

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Two products of queries x keys x channels, and five per score for the softmax. Scores need not leave the chip.
Cost forward_cost(const AttentionFwd& a) {
  const double pairs = double(a.n * a.queries * a.keys);
  return {4 * pairs * double(a.channels) + 5 * pairs * double(a.heads), bytes_of(a.dtype, 2.0 * double(a.n * (a.queries + a.keys) * a.channels))};
}
// Scores again and four products more.
Cost backward_cost(const AttentionBwd& a) {
  const double pairs = double(a.n * a.queries * a.keys);
  return {10 * pairs * double(a.channels) + 8 * pairs * double(a.heads), bytes_of(a.dtype, double(a.n * (3 * a.queries + 4 * a.keys) * a.channels))};
}
Cost map_cost(const AttentionMap& a) {
  const double pairs = double(a.n * a.queries * a.keys);
  return {2 * pairs * double(a.channels) + 6 * pairs * double(a.heads), bytes_of(a.dtype, double(a.n * (a.queries + a.keys) * a.channels) + pairs)};
}

auto forward(int64_t n, int64_t tokens, int64_t heads, int64_t width) {
  return [=](Arrays& x) {
    const int64_t c = heads * width, count = n * tokens * c;
    return AttentionFwd{x.normal(count), x.normal(count), x.normal(count), x.out(count), n, tokens, tokens, c, heads, 1 / std::sqrt(double(width)), x.dtype()};
  };
}
auto backward(int64_t n, int64_t tokens, int64_t heads, int64_t width) {
  return [=](Arrays& x) {
    const int64_t c = heads * width, count = n * tokens * c;
    return AttentionBwd{x.normal(count), x.normal(count), x.normal(count), x.normal(count), x.out(count), x.out(count), x.out(count),
                        n, tokens, tokens, c, heads, 1 / std::sqrt(double(width)), x.dtype()};
  };
}
auto map(int64_t tokens, int64_t heads, int64_t width) {
  return [=](Arrays& x) {
    const int64_t c = heads * width;
    return AttentionMap{x.normal(tokens * c), x.normal(tokens * c), x.out(tokens * tokens), 1, tokens, tokens, c, heads, 1 / std::sqrt(double(width)), x.dtype()};
  };
}

const BenchRegistration fwd(attention_fwd, forward_cost,
                           {{"8x64, 256 tokens", forward(1, 256, 8, 64), emulated(forward(1, 64, 2, 64))},
                            {"1x512, 256 tokens", forward(1, 256, 1, 512), emulated(forward(1, 64, 1, 512))},
                            {"8x64, 256 tokens, batch 16", forward(16, 256, 8, 64), forward(1, 256, 8, 64), 1e-5, forward(1, 64, 2, 64)}});
const BenchRegistration bwd(attention_bwd, backward_cost,
                           {{"8x64, 256 tokens", backward(1, 256, 8, 64), emulated(backward(1, 64, 2, 64))},
                            {"1x512, 256 tokens", backward(1, 256, 1, 512), emulated(backward(1, 32, 1, 512))}});
const BenchRegistration looked_at(attention_map_fwd, map_cost, {{"8x64, 256 tokens", map(256, 8, 64), emulated(map(64, 2, 64))}});

}  // namespace
}  // namespace kintsugi::bench
