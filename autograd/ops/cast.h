// Element types: activations in bf16 beside parameters in f32 (Micikevicius et al., "Mixed precision training", ICLR 2018).
#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// x in another of f32, f64 and bf16, rounded to nearest even; x itself where it is that already. Its gradient comes back in x's own type.
Var cast(const Var& x, DType dtype);

/// The same for a parameter, whose copy stays beside it until the parameter changes: f32 masters with bf16 copies. While work is
/// being recorded (kernels/base/device_graph.h) one is made that belongs to the recording, unless the parameter is frozen and has its copy already.
Var cast_parameter(const Var& leaf, DType dtype);

}  // namespace kintsugi
