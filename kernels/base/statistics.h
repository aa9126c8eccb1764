#pragma once
#include "kernels/base/dtype.h"

namespace kintsugi {

/// The type in which a normalisation of `t` keeps its mean and 1/deviation: a mean of 1000 rounded to bf16 would be off by 4.
constexpr DType statistics_dtype(DType t) { return t == DType::f64 ? DType::f64 : DType::f32; }

}  // namespace kintsugi
