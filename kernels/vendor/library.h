// NVIDIA's libraries, opened at run time when a row first needs them: the program starts on machines that have none, and their rows
// say that they are missing. Headers are needed to compile (KIN_CUBLAS, KIN_CUDNN), the libraries never to link.
#pragma once
#include <mutex>

#include "kernels/base/device.h"
#include "kernels/base/error.h"

namespace kintsugi::vendor {

class Library {
 public:
  /// Tries the names in order; a null-terminated list.
  explicit Library(const char* const* names);
  bool found() const { return handle_ != nullptr; }
  /// The function of that name. Throws Error when the library has none.
  template <class F>
  F* function(const char* name) const {
    return reinterpret_cast<F*>(symbol(name));
  }

 private:
  void* symbol(const char* name) const;
  void* handle_ = nullptr;
  const char* name_ = "";
};

inline constexpr int kMostDevices = 16;

/// One handle of a library per device, made when first used; the lock is held while a call uses it.
template <class Handle>
class Handles {
 public:
  template <class Make>
  Handle get(Device device, Make&& make) {
    KIN_CHECK(device.index >= 0 && device.index < kMostDevices, "vendor: no handle for ", device);
    if (!made_[device.index]) handles_[device.index] = make(), made_[device.index] = true;
    return handles_[device.index];
  }
  std::mutex mutex;

 private:
  bool made_[kMostDevices] = {};
  Handle handles_[kMostDevices] = {};
};

}  // namespace kintsugi::vendor

#define KIN_VENDOR_FUNCTION(library, name) library.function<decltype(name)>(#name)
