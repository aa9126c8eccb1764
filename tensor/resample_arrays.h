// One axis of a resampling where the kernel can read it.
#pragma once
#include "kernels/resample_taps.h"
#include "tensor/kernel_array.h"

namespace kintsugi {

/// Keep both this and the taps alive until the kernel is queued.
class ResampleArrays {
 public:
  ResampleArrays(const ResampleTaps& t, Device device) : in_(t.in), out_(t.out), offset_(t.offset, device), index_(t.index, device), weight_(t.weight, device) {}
  ResampleAxis axis() const { return {offset_.data(), index_.data(), weight_.data(), in_, out_}; }

 private:
  int64_t in_, out_;
  KernelArray<int32_t> offset_, index_;
  KernelArray<double> weight_;
};

}  // namespace kintsugi
