// Small tables made on the CPU (windows, taps) as kernels' arguments.
#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi {

/// Itself where the kernel runs on the CPU, else a copy in the device's memory. Keep both this and `values` alive until the kernel is queued.
template <class T>
class KernelArray {
 public:
  KernelArray(const std::vector<T>& values, Device device) : data_(values.data()) {
    if (device.kind == DeviceKind::cpu) return;
    copy_ = Tensor::of<T>({int64_t(values.size())}, values).to(device);
    data_ = copy_.template raw<T>();
  }
  const T* data() const { return data_; }

 private:
  Tensor copy_;
  const T* data_;
};

}  // namespace kintsugi
