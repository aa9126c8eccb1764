// What the kernels of an op run on: the device of its operands, and the stream that is current there.
#pragma once
#include "kernels/table.h"
#include "tensor/tensor.h"

namespace kintsugi {

inline Context context_of(const Tensor& t) { return {t.device(), current_stream(t.device())}; }

}  // namespace kintsugi
