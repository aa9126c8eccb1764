// dst <- src between two strided walks of the same index space. Permuting, broadcasting, slicing, zero-padding (into a
// cleared tensor), concatenating and pixel shuffling are all this one copy.
#pragma once
#include "kernels/base/walk.h"
#include "kernels/table.h"

namespace kintsugi {

/// Every dst element is written once: dst strides are nonzero wherever dims > 1, and dst and src do not overlap.
/// In the walk, a = strides of dst, b = strides of src (0 repeats). The walk is coalesced.
struct StridedCopy {
  DType dtype = DType::f32;  // any; only its size matters
  void* dst = nullptr;       // at index 0 of the walk
  const void* src = nullptr;
  PairWalk walk;
};

extern const Family<StridedCopy> strided_copy;

}  // namespace kintsugi
