// PReLU (He et al., "Delving deep into rectifiers", 2015): y = x where x > 0, else slope[c] x, one slope per channel.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct PreluFwd {
  DType dtype = DType::f32;          // f32 or f64
  int64_t rows = 0, c = 0;
  const void* x = nullptr;           // [rows, c]
  const void* slope = nullptr;       // [c]
  void* y = nullptr;                 // [rows, c], overwritten
};

struct PreluBwd {
  DType dtype = DType::f32;
  int64_t rows = 0, c = 0;
  const void* x = nullptr;
  const void* slope = nullptr;
  const void* gy = nullptr;          // [rows, c]
  void* gx = nullptr;                // [rows, c], overwritten; null: not wanted
  void* gslope = nullptr;            // [c], overwritten, summed in f64 in a fixed order; null: not wanted
};

extern const Family<PreluFwd> prelu_fwd;
extern const Family<PreluBwd> prelu_bwd;

}  // namespace kintsugi
