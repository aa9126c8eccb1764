// The roofs of a GPU, measured by the run that the figures are compared with: kernels that only compute, and a copy far larger than L2.
#pragma once
#include "apps/bench/machine.h"

namespace kintsugi::bench {

/// What the device can do at most with elements of this type: f32 by multiply-adds, bf16 by tensor cores. On sim they are the emulator's.
Machine measure_device(Device device, DType dtype);

}  // namespace kintsugi::bench
