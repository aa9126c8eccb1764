// Reductions over one run of neighbouring axes: x is [outer, reduced, inner], y is [outer, inner]. Sums over separate runs
// are one call each.
#pragma once
#include "kernels/table.h"

namespace kintsugi {

/// y[o,i] = scale * sum_r x[o,r,i]. Rows add in f64, or in short f32 blocks that are then added in f64: the result is as good
/// as x's rounding even when the mean is a thousand times the spread. Partial sums have fixed borders and are added in order.
struct ReduceSum {
  DType dtype = DType::f32;  // of x and y: f32 or f64
  int64_t outer = 1, reduced = 0, inner = 1;
  double scale = 1;  // 1 / reduced for a mean
  const void* x = nullptr;
  void* y = nullptr;  // overwritten
};

/// The largest element along r and the first place that has it; a NaN counts as largest. reduced >= 1.
struct ReduceMax {
  DType dtype = DType::f32;
  int64_t outer = 1, reduced = 1, inner = 1;
  const void* x = nullptr;
  void* y = nullptr;         // [outer, inner], null: not wanted
  int64_t* index = nullptr;  // [outer, inner], null: not wanted
};

/// Reads one element per line, y[o,i] = x[o, index[o,i], i], and its adjoint: y = 0 but y[o, index[o,i], i] = x[o,i].
/// Together they are closed under differentiation.
struct PickPlace {
  bool place = false;  // false: x is [outer, reduced, inner] and y is [outer, inner]; true: the other way round
  DType dtype = DType::f32;
  int64_t outer = 1, reduced = 1, inner = 1;
  const void* x = nullptr;
  const int64_t* index = nullptr;  // [outer, inner], each in [0, reduced)
  void* y = nullptr;               // overwritten
};

extern const Family<ReduceSum> reduce_sum;
extern const Family<ReduceMax> reduce_max;
extern const Family<PickPlace> pick_place;

}  // namespace kintsugi
