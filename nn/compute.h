// Arithmetic in bf16 beside parameters in f32 (StoreOptions::bf16_compute). Networks call enter() on what comes in and leave() on what goes to losses,
// statistics and code books; layers cast their parameters to the type of what they are applied to, and gradients arrive at the f32 masters.
// Where the store computes in its own type all of these give back what they got.
#pragma once
#include "autograd/ops/cast.h"
#include "nn/scope.h"

namespace kintsugi {

/// x in the type that the networks of the store compute in.
inline Var enter(const Mode& mode, Var x) {
  if (mode.compute == mode.stored) return x;
  return cast(x, mode.compute);
}
/// y in the type of the parameters.
inline Var leave(const Mode& mode, Var y) {
  if (mode.compute == mode.stored) return y;
  return cast(y, mode.stored);
}

/// A parameter as the operand of x: its bf16 copy where x is bf16. Empty stays empty; any other difference is left for the op to refuse.
inline Var beside(const Var& parameter, const Var& x) {
  return parameter && x.dtype() == DType::bf16 && parameter.dtype() == DType::f32 ? cast_parameter(parameter, DType::bf16) : parameter;
}

}  // namespace kintsugi
