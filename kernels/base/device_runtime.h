// Memory, copies, streams and facts of the devices beside the CPU, behind one interface: cuda (in builds with the toolkit), sim (host
// memory, for the emulated GPU) and absent (every call says why there is nothing). Kernels get pointers and a stream from above;
// tensors, optimisers and the benchmark come here.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace kintsugi {

/// A queue of work on one device: cudaStream_t on cuda. Null is the device's default stream.
using Stream = void*;

struct DeviceFacts {
  std::string name;             // "NVIDIA H200"
  int major = 0, minor = 0;     // compute capability
  int multiprocessors = 0;
  size_t memory_total = 0, memory_free = 0;  // bytes
  size_t l2_bytes = 0, shared_per_block = 0;
};

/// What one kind of device can do. Calls take the device's index or a stream of the current device (make_current). Throws Error naming
/// the call when the device refuses.
class DeviceRuntime {
 public:
  virtual ~DeviceRuntime() = default;

  /// Devices that answer; never throws.
  virtual int count() const = 0;
  /// Why this device cannot be used, in one line with the facts; empty when it can.
  virtual std::string refuses(int index) const = 0;
  virtual DeviceFacts facts(int index) const = 0;
  /// Versions of driver, runtime and toolkit, and the architectures compiled for, in one line.
  virtual std::string versions() const = 0;

  /// Following calls of this thread, kernel launches among them, mean this device.
  virtual void make_current(int index) = 0;

  /// Memory usable by work queued on `stream` from now on; null when there is not enough. Use DeviceBlock, which keeps count.
  virtual void* allocate(size_t bytes, Stream stream) = 0;
  /// Usable by others once the work queued on `stream` so far is done.
  virtual void free(void* block, Stream stream) noexcept = 0;
  /// Bytes held from the system, those waiting for reuse included.
  virtual size_t reserved_bytes(int index) const = 0;

  /// Host to device; the host memory may be reused when it returns.
  virtual void upload(void* to, const void* from, size_t bytes, Stream stream) = 0;
  /// Device to host; waits for the work queued before and for the copy.
  virtual void download(void* to, const void* from, size_t bytes, Stream stream) = 0;
  /// Within the device, in the stream's order. The ranges must not overlap.
  virtual void copy(void* to, const void* from, size_t bytes, Stream stream) = 0;
  virtual void fill_bytes(void* to, unsigned char byte, size_t bytes, Stream stream) = 0;

  virtual Stream create_stream() = 0;
  virtual void destroy_stream(Stream stream) noexcept = 0;
  /// Waits until the stream's work is done. An error that a kernel met surfaces here at the latest.
  virtual void synchronize(Stream stream) = 0;
  /// Reports an error met by launching a row of a family, or by anything queued earlier.
  virtual void check_launch(const char* family, const char* row) = 0;

  virtual void* create_event() = 0;
  virtual void destroy_event(void* event) noexcept = 0;
  virtual void record_event(void* event, Stream stream) = 0;
  /// Milliseconds between two recorded events; waits for the later one.
  virtual double elapsed_ms(void* begin, void* end) = 0;

  /// Kernels are about to touch device memory, or are done: the emulated device opens and closes its memory here.
  virtual void enter_kernel() {}
  virtual void leave_kernel() noexcept {}
};

/// The runtime of a kind; for DeviceKind::cpu throws Error, the CPU needs none. Makes nothing current and touches no device.
DeviceRuntime& device_runtime(DeviceKind kind);
/// The runtime with `device` made current. Throws Error with the facts when the device cannot be used.
DeviceRuntime& runtime_on(Device device);

/// "cpu", "cuda", "cuda:1", "sim". Throws UsageError for anything else.
Device parse_device(const std::string& text);

/// What the CUDA runtime reports about a machine, and what the binary was built for: enough to say why a GPU cannot be used.
struct CudaFacts {
  bool built = false;                // with the toolkit
  int driver = 0, toolkit = 0;       // as CUDA counts: 13000 is 13.0; driver 0: none answers
  bool driver_too_old = false;
  int devices = 0;
  std::string error;                 // of the count of devices, when it is neither of the above
  std::string architectures;         // the binary's, e.g. "80 89 90a"
  int major = 0, minor = 0;          // of the device asked for
  std::string device_name;
};
/// The sentence for `index`, or empty when the device can be used. A pure function, so that every case is tested without a GPU.
std::string cuda_refusal(const CudaFacts& facts, int index);

/// The stream that ops of this thread use on a device: the default stream, or the innermost guard's.
Stream current_stream(Device device);
class StreamGuard {
 public:
  StreamGuard(Device device, Stream stream);
  ~StreamGuard();
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

 private:
  Device device_;
  Stream outer_;
};

struct MemoryStats {
  size_t live_bytes = 0;      // held now
  size_t peak_bytes = 0;      // most ever held since reset_memory_peak
  size_t reserved_bytes = 0;  // taken from the device, what waits for reuse included
  uint64_t allocations = 0;
};
MemoryStats memory_stats(Device device);
void reset_memory_peak(Device device);

/// While it lives, errors of this thread about memory name the op: "out of memory on cuda:0 in conv2d: ...".
class OpName {
 public:
  explicit OpName(const char* op);
  ~OpName();
  OpName(const OpName&) = delete;
  OpName& operator=(const OpName&) = delete;
  /// The innermost name, or "".
  static const char* current();

 private:
  const char* outer_;
};

/// A block of device memory that is counted. Throws Error naming the op, the request, what is live and the peak when there is none left.
class DeviceBlock {
 public:
  DeviceBlock() = default;
  DeviceBlock(Device device, size_t bytes, Stream stream);
  ~DeviceBlock() { reset(); }
  DeviceBlock(DeviceBlock&& o) noexcept { *this = static_cast<DeviceBlock&&>(o); }
  DeviceBlock& operator=(DeviceBlock&& o) noexcept;
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void reset() noexcept;

  Device device_;
  Stream stream_ = nullptr;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace kintsugi
