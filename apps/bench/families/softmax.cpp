// Softmax over attention scores and code logits.
#include "kernels/softmax.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Maximum, exponential (counted as one), sum and scale; backward: product and sum, difference and product.
Cost forward_cost(const SoftmaxFwd& a) { return {4.0 * a.rows * a.width, bytes_of(a.dtype, 2.0 * a.rows * a.width)}; }
Cost backward_cost(const SoftmaxBwd& a) { return {4.0 * a.rows * a.width, bytes_of(a.dtype, 3.0 * a.rows * a.width)}; }

auto forward(int64_t rows, int64_t width) {
  return [=](Arrays& x) { return SoftmaxFwd{x.normal(rows * width), x.out(rows * width), rows, width, x.dtype()}; };
}
auto backward(int64_t rows, int64_t width, bool logarithm) {
  return [=](Arrays& x) {
    const void* gy = x.normal(rows * width);
    const void* y = logarithm ? x.uniform(rows * width, -9, -5) : x.uniform(rows * width, 0, 2.0 / double(width));
    return SoftmaxBwd{gy, y, x.out(rows * width), rows, width, x.dtype()};
  };
}

const BenchRegistration fwd(softmax_fwd, forward_cost,
                           {{"256x1024 logits", forward(256, 1024), emulated(forward(32, 1024))},
                            {"32768x256 scores", forward(32768, 256), emulated(forward(128, 256))}});
const BenchRegistration bwd(softmax_bwd, backward_cost,
                           {{"256x1024 logits", backward(256, 1024, false), emulated(backward(32, 1024, false))},
                            {"32768x256 scores", backward(32768, 256, false), emulated(backward(128, 256, false))}});
const BenchRegistration log_fwd(log_softmax_fwd, forward_cost, {{"4096x1024 logits", forward(4096, 1024), emulated(forward(32, 1024))}});
const BenchRegistration log_bwd(log_softmax_bwd, backward_cost,
                           {{"4096x1024 logits", backward(4096, 1024, true), emulated(backward(32, 1024, true))}});

}  // namespace
}  // namespace kintsugi::bench
