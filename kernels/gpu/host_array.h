// Small tables that the args of a family keep in host memory, copied to the device for one call.
#pragma once
#include "kernels/base/device_runtime.h"
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

template <class T>
class OnDevice {
 public:
  OnDevice(const Context& context, const T* host, int64_t count) : block_(context.device, size_t(count) * sizeof(T), context.stream) {
    if (count) device_runtime(context.device.kind).upload(block_.data(), host, size_t(count) * sizeof(T), context.stream);
  }
  const T* data() const { return static_cast<const T*>(block_.data()); }

 private:
  DeviceBlock block_;
};

}  // namespace kintsugi::KIN_GPU_NAMESPACE
