// Pixel losses on a 512x512 image, and of features.
#include "kernels/mean_loss.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

Cost forward_cost(const MeanLossFwd& a) { return {3.0 * double(a.n), bytes_of(a.dtype, 2.0 * double(a.n))}; }
Cost backward_cost(const MeanLossBwd& a) { return {3.0 * double(a.n), bytes_of(a.dtype, (2.0 + (a.ga ? 1 : 0) + (a.gb ? 1 : 0)) * double(a.n))}; }

auto forward(MeanLossKind kind, int64_t n) {
  return [=](Arrays& x) { return MeanLossFwd{kind, 1, x.dtype(), n, x.normal(n), x.normal(n), x.out(1)}; };
}
auto backward(MeanLossKind kind, int64_t n) {
  return [=](Arrays& x) { return MeanLossBwd{kind, 1, x.dtype(), n, x.normal(n), x.normal(n), x.normal(1), x.out(n), nullptr}; };
}

const BenchRegistration fwd(mean_loss_fwd, forward_cost,
                           {{"L1, 16x3x512x512", forward(MeanLossKind::l1, 16 * 3 * 512 * 512), emulated(forward(MeanLossKind::l1, 40000))},
                            {"MSE, 3x512x512", forward(MeanLossKind::mse, 3 * 512 * 512), emulated(forward(MeanLossKind::mse, 40000))}});
const BenchRegistration bwd(mean_loss_bwd, backward_cost,
                           {{"L1, 16x3x512x512", backward(MeanLossKind::l1, 16 * 3 * 512 * 512), emulated(backward(MeanLossKind::l1, 40000))},
                            {"MSE, 3x512x512", backward(MeanLossKind::mse, 3 * 512 * 512), emulated(backward(MeanLossKind::mse, 40000))}});

}  // namespace
}  // namespace kintsugi::bench
