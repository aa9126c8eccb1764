// Small tables made on the CPU (windows, taps, random streams) as kernels' arguments.
#pragma once
#include <cstring>
#include <type_traits>
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi {

/// Itself where the kernel runs on the CPU, else a copy in the device's memory. Keep both this and `values` alive until the kernel is queued.
template <class T>
class KernelArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  KernelArray(const std::vector<T>& values, Device device) : data_(values.data()) {
    if (device.kind == DeviceKind::cpu) return;
    const Tensor bytes({int64_t(values.size() * sizeof(T))}, DType::u8);
    std::memcpy(bytes.raw(), values.data(), bytes.bytes());
    copy_ = bytes.to(device);
    data_ = static_cast<const T*>(copy_.raw());
  }
  const T* data() const { return data_; }

 private:
  Tensor copy_;
  const T* data_;
};

}  // namespace kintsugi
