// What is left of a picture in [0, 1] after saving it with 8 bits, as the networks take it:
//   y[i] = 2 round(255 clip(x[i], 0, 1)) / 255 - 1,  round: half to even
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct PictureLevels {
  const void* x;  // [n]
  void* y;        // [n]; may be x
  int64_t n;
  DType dtype = DType::f32;  // f32 or f64
};
extern const Family<PictureLevels> picture_levels;

}  // namespace kintsugi
