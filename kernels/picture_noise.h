// Noise of a sensor, as the degradations have it: y[n,i] = clip(x[n,i] + sigma[n] z_n(i), 0, 1), z_n(i) the normal number i of picture n's own
// Philox stream. The numbers depend on (stream, i) alone, so every row adds the same ones.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// The arguments of Philox(seed, stream), as plain numbers that a kernel can be given.
struct NoiseStream {
  uint64_t seed = 0, stream = 0;
};

struct PictureNoise {
  const void* x;  // [n, count]
  void* y;        // the same; may be x
  const NoiseStream* stream;  // [n], where the row runs
  const float* sigma;         // [n], likewise; in units of x
  int64_t n, count;
  DType dtype = DType::f32;  // f32 or f64
};
extern const Family<PictureNoise> picture_noise;

}  // namespace kintsugi
