// Tensors of random numbers: element i is a function of (seed, purpose, step, i), see kernels/base/philox.h.
#pragma once
#include <string_view>

#include "tensor/tensor.h"

namespace kintsugi {

/// Uniform in [lo, hi). The same numbers (up to rounding) for f32 and f64.
Tensor random_uniform(Shape shape, double lo, double hi, uint64_t seed, std::string_view purpose, uint64_t step = 0,
                      DType dtype = DType::f32);
/// Normal with the given mean and standard deviation.
Tensor random_normal(Shape shape, double mean, double std, uint64_t seed, std::string_view purpose, uint64_t step = 0,
                     DType dtype = DType::f32);

}  // namespace kintsugi
