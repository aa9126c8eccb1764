// One element type to another: y = round(x), to nearest even. A way to bf16 and back on the device, for arithmetic in bf16 beside parameters in f32.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct Cast {
  const void* x;  // [n] of `from`
  void* y;        // [n] of `to`, overwritten
  int64_t n;
  DType from, to;  // f32, f64 or bf16
};

extern const Family<Cast> cast_fwd;

}  // namespace kintsugi
