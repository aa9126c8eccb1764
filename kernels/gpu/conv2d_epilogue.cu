// Convolutions that finish their result before they store it: the rungs of docs/ladder.md with another MatrixResult.
//
// FLOPs of the convolution. Bytes: against the parts one write and one read of y less, and for sft two of each and the sum in between. 64 channels
// at 512 x 512, batch 16, bf16: 537 MB are 125 us at 4.3 TB/s; leaky_relu saves 250 us of a convolution's 391 us floor, sft 500 us and more.
// Prediction: the time of the plain convolution, and for sft that of reading base and scale where its own bytes are the limit. Not yet measured.
#include "kernels/conv2d_epilogue.h"

#include "kernels/conv2d_refusals.h"
#include "kernels/gpu/conv2d_run.h"
#include "kernels/gpu/conv2d_wgmma_windows.h"
#include "kernels/gpu/gemm_mma.h"
#include "kernels/gpu/gemm_tile.h"
#include "kernels/unary.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

/// What is made of element i of the result.
template <class T>
struct ConvFinish {
  ConvEpilogue kind;
  float slope, strength;
  const T *base, *scale;

  explicit ConvFinish(const Conv2dEpilogueFwd& p)
      : kind(p.kind), slope(float(p.slope)), strength(float(p.strength)), base(static_cast<const T*>(p.base)), scale(static_cast<const T*>(p.scale)) {}
  __device__ void select(int64_t step) {
    if (kind != ConvEpilogue::sft) return;
    base += step;
    scale += step;
  }
  __device__ float operator()(int64_t i, float v) const {
    if (kind == ConvEpilogue::leaky_relu) return v > 0 ? v : v * slope;
    const float b = float(base[i]);
    return (float(scale[i]) * b + v) * strength + b;
  }
};

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads) transform(ConvFinish<T> finish, T* y, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) y[i] = T(finish(i, float(y[i])));
}

template <class T>
auto problem(const Conv2dEpilogueFwd& p) { return conv2d_problem<T>(p.conv, ConvFinish<T>(p)); }

}  // namespace

void conv2d_epilogue_fwd_parts(const Context& context, const Conv2dEpilogueFwd& p) {
  const ConvShape& s = p.conv.shape;
  const int64_t n = s.n * s.out_h * s.out_w * s.o;
  conv2d_fwd(context, p.conv);
  if (p.kind == ConvEpilogue::sft)
    visit_f32_or_bf16(p.conv.dtype, "conv2d_epilogue_fwd", [&]<class T>() {
      launch({blocks_for(n, kThreads), kThreads, 0, context.stream}, transform<T>, ConvFinish<T>(p), static_cast<T*>(p.conv.y), n);
    });
  else
    unary_fwd(context, {.op = UnaryOp::leaky_relu, .params = {p.slope}, .dtype = p.conv.dtype, .n = n, .x = p.conv.y, .y = p.conv.y});
}

void conv2d_epilogue_fwd_tile(const Context& context, const Conv2dEpilogueFwd& p) {
  visit_f32_or_bf16(p.conv.dtype, "conv2d_epilogue_fwd", [&]<class T>() { launch_tile(context, problem<T>(p)); });
}

void conv2d_epilogue_fwd_pipelined(const Context& context, const Conv2dEpilogueFwd& p) {
  if (conv2d_lines_of(p.conv, 4)) launch_pipelined<4>(context, problem<float>(p));
  else launch_pipelined<1>(context, problem<float>(p));
}

void conv2d_epilogue_fwd_mma(const Context& context, const Conv2dEpilogueFwd& p) { launch_mma<8>(context, problem<bf16>(p)); }

void conv2d_epilogue_fwd_wgmma(const Context& context, const Conv2dEpilogueFwd& p) {
  const Conv2dFwd& c = p.conv;
  visit_wgmma_tiles<1>(c.shape.o, [&]<class Tile>() {
    launch_wgmma(context, WindowTiles<false, Tile, ConvFinish<bf16>>(c.shape, c.x, c.w, c.bias, nullptr, c.y, ConvFinish<bf16>(p)));
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
