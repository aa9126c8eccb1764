// A convolution and what follows it element by element, in one: v = x * w + bias never reaches memory.
//   leaky_relu   y = v where v > 0, else slope v
//   sft          y = (scale base + v) strength + base
// The last is CodeFormer's controllable feature transformation (a spatial feature transform, Wang et al. 2018, weighted by w): v is the shift, base the
// generator's feature. For inference: a gradient needs v, and is taken of the parts.
#pragma once
#include "kernels/conv2d.h"

namespace kintsugi {

enum class ConvEpilogue : uint8_t { leaky_relu, sft };

struct Conv2dEpilogueFwd {
  Conv2dFwd conv{};  // its y is the result; no residual
  ConvEpilogue kind = ConvEpilogue::leaky_relu;
  double slope = 0;              // leaky_relu
  const void* base = nullptr;    // sft: like y, apart from it
  const void* scale = nullptr;   // sft: likewise
  double strength = 0;           // sft
};

extern const Family<Conv2dEpilogueFwd> conv2d_epilogue_fwd;

}  // namespace kintsugi
