// Mean and variance of the groups of a map, all that group normalisation (kernels/group_norm.h) has to know of it beforehand:
//   mean = sum x / count,  variance = sum (x - mean)^2 / count   over the positions and the channels of one group of one sample
// They are f64 whatever x is: a mean of 1000 rounded to f32 would be off by 3e-5.
#pragma once
#include "kernels/base/act.h"
#include "kernels/table.h"

namespace kintsugi {

struct GroupMoments {
  const void* x;    // [n, positions, channels]
  double* moments;  // [n, groups, 2]: mean, variance
  int64_t n, positions, channels, groups;
  DType dtype = DType::f32;  // of x
};

extern const Family<GroupMoments> group_moments;

/// A kernel's operand x [n, ..., channels], normalised on its way in from moments that are known:
///   x' = act((x - mean) / sqrt(variance + eps) * gamma + beta)
struct InputNorm {
  const double* moments = nullptr;               // [n, groups, 2] of x; null: x is taken as it is
  const void *gamma = nullptr, *beta = nullptr;  // [channels] of x's dtype
  int64_t groups = 1;
  double eps = 0;
  Act act = Act::none;
  explicit operator bool() const { return moments != nullptr; }
};

/// Moments of a kernel's result, which a norm behind it will want.
struct OutputMoments {
  double* moments = nullptr;  // [n, groups, 2], overwritten; null: not wanted
  int64_t groups = 1;
  explicit operator bool() const { return moments != nullptr; }
};

}  // namespace kintsugi
