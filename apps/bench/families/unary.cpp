// Elementwise functions on a feature map of CodeFormer, 64 channels at 512x512, and on the transformer's hidden layer.
#include "kernels/unary.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Arithmetic of the formula, an elementary function (exp, erf) counted as one.
double flops(UnaryOp op) { return op == UnaryOp::affine ? 2 : op == UnaryOp::silu ? 4 : op == UnaryOp::gelu ? 4 : 1; }
Cost forward_cost(const UnaryFwd& a) { return {flops(a.op) * double(a.n), bytes_of(a.dtype, 2.0 * double(a.n))}; }
Cost backward_cost(const UnaryBwd& a) { return {(flops(a.op) + 3) * double(a.n), bytes_of(a.dtype, 3.0 * double(a.n))}; }

auto forward(UnaryOp op, int64_t n, double parameter = 0) {
  return [=](Arrays& x) { return UnaryFwd{op, {parameter, 0.5}, 0, x.dtype(), n, x.normal(n), x.out(n)}; };
}
auto backward(UnaryOp op, int64_t n, double parameter = 0) {
  return [=](Arrays& x) { return UnaryBwd{op, {parameter, 0.5}, 0, x.dtype(), n, x.normal(n), x.normal(n), x.out(n)}; };
}

constexpr int64_t kMap = 64 * 512 * 512, kHidden = 256 * 1024, kEmulated = 1 << 15;

const BenchRegistration fwd(unary_fwd, forward_cost,
                           {{"affine, 64 @512", forward(UnaryOp::affine, kMap, 1.5), emulated(forward(UnaryOp::affine, kEmulated, 1.5))},
                            {"silu, 64 @512", forward(UnaryOp::silu, kMap), emulated(forward(UnaryOp::silu, kEmulated))},
                            {"leaky_relu, 64 @512", forward(UnaryOp::leaky_relu, kMap, 0.2), emulated(forward(UnaryOp::leaky_relu, kEmulated, 0.2))},
                            {"gelu, 256x1024", forward(UnaryOp::gelu, kHidden), emulated(forward(UnaryOp::gelu, kEmulated))}});
const BenchRegistration bwd(unary_bwd, backward_cost,
                           {{"silu, 64 @512", backward(UnaryOp::silu, kMap), emulated(backward(UnaryOp::silu, kEmulated))},
                            {"leaky_relu, 64 @512", backward(UnaryOp::leaky_relu, kMap, 0.2), emulated(backward(UnaryOp::leaky_relu, kEmulated, 0.2))},
                            {"gelu, 256x1024", backward(UnaryOp::gelu, kHidden), emulated(backward(UnaryOp::gelu, kEmulated))}});

}  // namespace
}  // namespace kintsugi::bench
